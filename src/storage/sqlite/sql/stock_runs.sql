-- Writes runs that begin.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none.
INSERT INTO allocation_run (shard, id, terms, reason, started_by, request, lines, lines_digest, done, refused, amount_minor)
SELECT j.value ->> 'shard', unhex(j.value ->> 'id'), j.value ->> 'terms', j.value ->> 'reason',
       unhex(j.value ->> 'started_by'), unhex(j.value ->> 'request'), j.value ->> 'lines',
       unhex(j.value ->> 'lines_digest'), j.value ->> 'done', j.value ->> 'refused',
       j.value ->> 'amount_minor'
FROM json_each(?1) AS j
