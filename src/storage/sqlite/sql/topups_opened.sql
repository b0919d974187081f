-- Notes top-ups that are not at their end; one that was noted before stays.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none.
-- WHERE true tells the conflict clause from a join.
INSERT INTO topup_open (shard, id)
SELECT j.value ->> 'shard', unhex(j.value ->> 'id')
FROM json_each(?1) AS j
WHERE true
ON CONFLICT DO NOTHING
