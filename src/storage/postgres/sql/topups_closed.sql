-- Forgets top-ups that are at their end; one that began and ended in one batch was never noted.
-- Parameters: shards and ids, pairwise. Rows: none.
-- Probed one by one by primary key, as holds are: a plan made while the table was empty would walk it.
DELETE FROM topup_open AS o
USING unnest($1::smallint[], $2::uuid[]) AS n (shard, id)
CROSS JOIN LATERAL (
    SELECT t.ctid AS place FROM topup_open t WHERE t.shard = n.shard AND t.id = n.id OFFSET 0
) AS found
WHERE o.ctid = found.place
