-- Registers resellers; their ancestors follow in statements of their own.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none.
INSERT INTO reseller (
    id, code, name, level, parent, created_at, shard, stock_account, standing
)
SELECT unhex(j.value ->> 'id'), j.value ->> 'code', j.value ->> 'name', j.value ->> 'level',
       unhex(j.value ->> 'parent'), j.value ->> 'created_at', j.value ->> 'shard', j.value ->> 'stock_account',
       j.value ->> 'standing'
FROM json_each(?1) AS j
