-- Writes what runs came to, once.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none; as many are changed as were sent, unless
-- one was finished before.
UPDATE allocation_run
SET done = j.value ->> 'done', refused = j.value ->> 'refused', amount_minor = j.value ->> 'amount_minor'
FROM json_each(?1) AS j
WHERE allocation_run.shard = j.value ->> 'shard' AND allocation_run.id = unhex(j.value ->> 'id')
  AND allocation_run.done IS NULL
