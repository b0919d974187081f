-- What was received about operations.
-- Parameters: a JSON array of {shard, id} of operations. Rows: items by operation and sequence, by the primary key.
-- CROSS JOIN keeps the order: what is wanted outside, the table inside.
SELECT v.shard, v.operation, v.sequence, v.kind, v.system, v.reference, v.says, v.decline, v.observed_at, v.excerpt,
       v.effect, v.submit_by, v.promised_at
FROM json_each(?1) AS j
CROSS JOIN evidence v ON v.shard = j.value ->> 'shard' AND v.operation = unhex(j.value ->> 'id')
ORDER BY v.shard, v.operation, v.sequence
