-- What was received about operations.
-- Parameters: shards and ids of operations, side by side. Rows: items by operation and sequence, by the primary key.
-- LATERAL with OFFSET 0 keeps it a probe per row, whatever the planner believed when the table was empty.
SELECT v.shard, v.operation, v.sequence, v.kind, v.system, v.reference, v.says, v.decline, v.observed_at, v.excerpt,
       v.effect, v.submit_by, v.promised_at
FROM unnest($1::smallint[], $2::uuid[]) AS wanted (shard, id)
CROSS JOIN LATERAL (
    SELECT * FROM evidence t WHERE t.shard = wanted.shard AND t.operation = wanted.id OFFSET 0
) AS v
ORDER BY v.shard, v.operation, v.sequence
