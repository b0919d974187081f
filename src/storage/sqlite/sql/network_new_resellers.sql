-- Writes the first state of resellers.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none.
INSERT INTO reseller_state (
    shard, reseller, stock_account, standing, per_operation_minor, per_day_count, per_day_minor, parent, level, place,
    version
)
SELECT j.value ->> 'shard', unhex(j.value ->> 'reseller'), j.value ->> 'stock_account', j.value ->> 'standing',
       j.value ->> 'per_operation_minor', j.value ->> 'per_day_count', j.value ->> 'per_day_minor',
       unhex(j.value ->> 'parent'), j.value ->> 'level', unhex(j.value ->> 'place'), j.value ->> 'version'
FROM json_each(?1) AS j
