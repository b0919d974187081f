-- Removes holds.
-- Parameters: a JSON array of {shard, operation}. Rows: none; as many are removed as were sent.
DELETE FROM hold
WHERE (shard, operation) IN (
    SELECT j.value ->> 'shard', unhex(j.value ->> 'operation') FROM json_each(?1) AS j
)
