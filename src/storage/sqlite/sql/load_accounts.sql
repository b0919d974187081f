-- Accounts by number.
-- Parameters: a JSON array of {shard, number}. Rows: accounts, by the primary key.
-- CROSS JOIN keeps the order: what is wanted outside, the table inside.
SELECT a.shard, a.number, a.class, a.owner, a.posted, a.held, a.credit_limit, a.usage_day, a.usage_count,
       a.usage_amount_minor
FROM json_each(?1) AS j
CROSS JOIN account a ON a.shard = j.value ->> 'shard' AND a.number = j.value ->> 'number'
