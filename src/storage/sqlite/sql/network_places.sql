-- Gives resellers another place; what stands below them follows in statements of its own.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none; as many are changed as were sent.
UPDATE reseller
SET code = j.value ->> 'code', name = j.value ->> 'name', level = j.value ->> 'level',
    parent = unhex(j.value ->> 'parent')
FROM json_each(?1) AS j
WHERE reseller.id = unhex(j.value ->> 'id')
