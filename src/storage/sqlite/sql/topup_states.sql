-- Writes the states that steps of top-ups left.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none.
INSERT INTO topup_state (shard, id, sequence, acquirer, reference, content, topup)
SELECT j.value ->> 'shard', unhex(j.value ->> 'id'), j.value ->> 'sequence', j.value ->> 'acquirer',
       j.value ->> 'reference', j.value ->> 'content',
       unhex(j.value ->> 'topup')
FROM json_each(?1) AS j
