-- Writes accounts after the batch, each once.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none; as many are changed as were sent.
UPDATE account
SET posted = j.value ->> 'posted', held = j.value ->> 'held', credit_limit = j.value ->> 'credit_limit',
    usage_day = j.value ->> 'usage_day', usage_count = j.value ->> 'usage_count',
    usage_amount_minor = j.value ->> 'usage_amount_minor'
FROM json_each(?1) AS j
WHERE account.shard = j.value ->> 'shard' AND account.number = j.value ->> 'number'
