-- Writes the first version of records.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none.
INSERT INTO record (shard, kind, owner, id, version, content)
SELECT j.value ->> 'shard', j.value ->> 'kind', unhex(j.value ->> 'owner'), j.value ->> 'id', j.value ->> 'version',
       j.value ->> 'content'
FROM json_each(?1) AS j
