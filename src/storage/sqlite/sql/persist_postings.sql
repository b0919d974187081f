-- Appends the postings of journal entries.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none.
INSERT INTO posting (
    shard, sequence, line, debit, credit, asset, amount_minor, debit_after, credit_after
)
SELECT j.value ->> 'shard', j.value ->> 'sequence', j.value ->> 'line', j.value ->> 'debit',
       j.value ->> 'credit', j.value ->> 'asset', j.value ->> 'amount_minor', j.value ->> 'debit_after',
       j.value ->> 'credit_after'
FROM json_each(?1) AS j
