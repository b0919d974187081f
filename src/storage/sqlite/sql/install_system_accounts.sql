-- Opens the accounts that stand without a reseller, unless they are there.
-- Parameters: a JSON array of {shard, number, class}. Rows: none.
INSERT INTO account (shard, number, class, posted, held, credit_limit, usage_day, usage_count, usage_amount_minor)
SELECT j.value ->> 'shard', j.value ->> 'number', j.value ->> 'class', 0, 0, 0, 0, 0, 0
FROM json_each(?1) AS j
WHERE true
ON CONFLICT DO NOTHING
