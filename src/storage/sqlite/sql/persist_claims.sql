-- Claims the idempotency keys of new operations. A key that is taken violates the primary key, and the batch is
-- decided again.
-- Parameters: a JSON array of {shard, key, operation}. Rows: none.
INSERT INTO claim (shard, key, operation)
SELECT j.value ->> 'shard', unhex(j.value ->> 'key'), unhex(j.value ->> 'operation')
FROM json_each(?1) AS j
