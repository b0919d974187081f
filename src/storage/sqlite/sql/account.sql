-- An account by its number.
-- Parameters: shard, number. Rows: one at most, by the primary key.
SELECT shard, number, class, owner, posted, held, credit_limit, usage_day, usage_count, usage_amount_minor
FROM account
WHERE shard = ?1 AND number = ?2
