-- Writes what a batch leaves of top-ups: the states that steps left, which are not at their end, and which are now.
-- Parameters: $1 to $7 columns of states; $8 and $9 shards and ids of those that are not at their end; $10 and $11 of
-- those that are. Rows: none. One round trip, for every top-up comes through here twice.
-- One that was noted before stays; one that began and ended in one batch was never noted. No top-up is in both lists.
-- Those at their end are probed one by one by primary key, as holds are: a plan made while the table was empty would
-- walk it.
WITH states AS (
    INSERT INTO topup_state (shard, id, sequence, acquirer, reference, content, topup)
    SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::uuid[])
), opened AS (
    INSERT INTO topup_open (shard, id)
    SELECT * FROM unnest($8::smallint[], $9::uuid[])
    ON CONFLICT DO NOTHING
)
DELETE FROM topup_open AS o
USING unnest($10::smallint[], $11::uuid[]) AS n (shard, id)
CROSS JOIN LATERAL (
    SELECT t.ctid AS place FROM topup_open t WHERE t.shard = n.shard AND t.id = n.id OFFSET 0
) AS found
WHERE o.ctid = found.place
