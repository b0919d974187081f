-- Who holds these idempotency keys.
-- Parameters: shards and keys, pairwise. Rows: the claims, by the primary key.
-- LATERAL with OFFSET 0 keeps it a probe per row, whatever the planner believed when the table was empty.
SELECT c.shard, c.key, c.operation
FROM unnest($1::smallint[], $2::bytea[]) AS wanted (shard, key)
CROSS JOIN LATERAL (
    SELECT * FROM claim t WHERE t.shard = wanted.shard AND t.key = wanted.key OFFSET 0
) AS c
