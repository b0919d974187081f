-- Writes the lines of runs that begin.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none.
INSERT INTO run_line (shard, run, number, reseller, code, asked_minor, is_top_up)
SELECT j.value ->> 'shard', unhex(j.value ->> 'run'), j.value ->> 'number', unhex(j.value ->> 'reseller'),
       j.value ->> 'code', j.value ->> 'asked_minor', j.value ->> 'is_top_up'
FROM json_each(?1) AS j
