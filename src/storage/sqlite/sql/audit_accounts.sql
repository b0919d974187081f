-- All accounts with their balances.
-- Rows: accounts by shard and number.
SELECT shard, number, class, owner, posted, held, credit_limit, usage_day, usage_count, usage_amount_minor
FROM account
ORDER BY shard, number
