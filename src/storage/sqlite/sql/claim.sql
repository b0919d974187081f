-- Claims idempotency keys for operations.
-- Parameters: a JSON array of {shard, key, operation}. Rows: what was claimed now; the others were taken before.
-- WHERE true keeps ON CONFLICT from being read as a join's condition.
INSERT INTO claim (shard, key, operation)
SELECT j.value ->> 'shard', unhex(j.value ->> 'key'), unhex(j.value ->> 'operation')
FROM json_each(?1) AS j
WHERE true
ON CONFLICT (shard, key) DO NOTHING
RETURNING shard, key
