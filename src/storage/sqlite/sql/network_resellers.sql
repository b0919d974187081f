-- Writes the new state of resellers.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none; as many are changed as were sent.
UPDATE reseller_state
SET stock_account = j.value ->> 'stock_account', standing = j.value ->> 'standing',
    per_operation_minor = j.value ->> 'per_operation_minor', per_day_count = j.value ->> 'per_day_count',
    per_day_minor = j.value ->> 'per_day_minor', parent = unhex(j.value ->> 'parent'), level = j.value ->> 'level',
    place = unhex(j.value ->> 'place'), version = j.value ->> 'version'
FROM json_each(?1) AS j
WHERE reseller_state.shard = j.value ->> 'shard' AND reseller_state.reseller = unhex(j.value ->> 'reseller')
