-- Commission that waits for its payout.
-- Parameters: shard, number to begin after, limit. Rows: accounts, by the index account_accrued.
-- The classes stand here as numbers, for a partial index answers only what is written like it.
SELECT shard, number, class, owner, posted, held, credit_limit, usage_day, usage_count, usage_amount_minor
FROM account
WHERE shard = ?1 AND number > ?2 AND class IN (61, 64) AND posted > 0
ORDER BY number
LIMIT ?3
