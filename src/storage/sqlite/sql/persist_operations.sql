-- Writes operations in their new state: every column that an outcome changes.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none; as many are changed as were sent.
UPDATE operation
SET status = j.value ->> 'status', decline = j.value ->> 'decline', updated_at = j.value ->> 'updated_at',
    last_sequence = j.value ->> 'last_sequence'
FROM json_each(?1) AS j
WHERE operation.shard = j.value ->> 'shard' AND operation.id = unhex(j.value ->> 'id')
