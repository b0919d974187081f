-- Writes the heads of the batch's shards; one is found only at the version before.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none; as many are changed as were sent.
UPDATE shard
SET version = j.value ->> 'version', sequence = j.value ->> 'sequence',
    frontier = unhex(j.value ->> 'frontier'), recorded_at = j.value ->> 'recorded_at',
    next_account = j.value ->> 'next_account'
FROM json_each(?1) AS j
WHERE shard.shard = j.value ->> 'shard' AND shard.version = (j.value ->> 'version') - 1
