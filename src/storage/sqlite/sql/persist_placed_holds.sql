-- Places holds.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none.
INSERT INTO hold (
    shard, operation, account, amount_minor, placed_at, due_at
)
SELECT j.value ->> 'shard', unhex(j.value ->> 'operation'), j.value ->> 'account', j.value ->> 'amount_minor',
       j.value ->> 'placed_at', j.value ->> 'due_at'
FROM json_each(?1) AS j
