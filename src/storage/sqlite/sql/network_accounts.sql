-- Opens accounts.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none.
INSERT INTO account (
    shard, number, class, owner, posted, held, credit_limit, usage_day, usage_count, usage_amount_minor
)
SELECT j.value ->> 'shard', j.value ->> 'number', j.value ->> 'class', unhex(j.value ->> 'owner'),
       j.value ->> 'posted', j.value ->> 'held', j.value ->> 'credit_limit', j.value ->> 'usage_day',
       j.value ->> 'usage_count', j.value ->> 'usage_amount_minor'
FROM json_each(?1) AS j
