-- Writes who decided proposals, once.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none; as many are changed as were sent, unless
-- one was decided before.
UPDATE four_eyes
SET checker = unhex(j.value ->> 'checker'), ruling = j.value ->> 'ruling',
    ruling_reason = j.value ->> 'ruling_reason', ruled_at = j.value ->> 'ruled_at'
FROM json_each(?1) AS j
WHERE four_eyes.shard = j.value ->> 'shard' AND four_eyes.id = unhex(j.value ->> 'id') AND four_eyes.checker IS NULL
