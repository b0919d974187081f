-- Forgets top-ups that are at their end; one that began and ended in one batch was never noted.
-- Parameters: shards and ids, pairwise. Rows: none.
DELETE FROM topup_open AS t
USING unnest($1::smallint[], $2::uuid[]) AS n (shard, id)
WHERE t.shard = n.shard AND t.id = n.id
