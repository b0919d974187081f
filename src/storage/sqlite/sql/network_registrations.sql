-- Registers resellers; their ancestors follow in a statement of their own.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none.
INSERT INTO reseller (
    id, code, name, level, parent, created_at
)
SELECT unhex(j.value ->> 'id'), j.value ->> 'code', j.value ->> 'name', j.value ->> 'level',
       unhex(j.value ->> 'parent'), j.value ->> 'created_at'
FROM json_each(?1) AS j
