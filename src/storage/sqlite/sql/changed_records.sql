-- Writes a later version of records.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none; as many are changed as were sent.
UPDATE record
SET version = j.value ->> 'version', content = j.value ->> 'content'
FROM json_each(?1) AS j
WHERE record.shard = j.value ->> 'shard' AND record.kind = j.value ->> 'kind'
  AND record.owner = unhex(j.value ->> 'owner') AND record.id = j.value ->> 'id'
  AND record.version < j.value ->> 'version'
