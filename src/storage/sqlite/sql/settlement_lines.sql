-- Writes lines of settlement files.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none.
INSERT INTO settlement_line (shard, file, number, acquirer, reference, kind, state, operation, gross_minor, fee_minor,
                             settled_on, posted, key, paid)
SELECT j.value ->> 'shard', unhex(j.value ->> 'file'), j.value ->> 'number', j.value ->> 'acquirer',
       j.value ->> 'reference', j.value ->> 'kind', j.value ->> 'state', unhex(j.value ->> 'operation'),
       j.value ->> 'gross_minor', j.value ->> 'fee_minor', j.value ->> 'settled_on', j.value ->> 'posted',
       unhex(j.value ->> 'key'), unhex(j.value ->> 'paid')
FROM json_each(?1) AS j
