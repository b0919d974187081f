-- Forgets top-ups that are at their end; one that began and ended in one batch was never noted.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none.
DELETE FROM topup_open
WHERE (shard, id) IN (SELECT j.value ->> 'shard', unhex(j.value ->> 'id') FROM json_each(?1) AS j)
