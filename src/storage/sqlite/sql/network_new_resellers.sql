-- Writes the first state of resellers.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none.
INSERT INTO reseller_state (
    shard, reseller, stock_account, standing, per_operation_minor, per_day_count, per_day_minor
)
SELECT j.value ->> 'shard', unhex(j.value ->> 'reseller'), j.value ->> 'stock_account', j.value ->> 'standing',
       j.value ->> 'per_operation_minor', j.value ->> 'per_day_count', j.value ->> 'per_day_minor'
FROM json_each(?1) AS j
