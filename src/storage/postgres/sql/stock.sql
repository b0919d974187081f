-- The account of a class that a reseller owns.
-- Parameters: shard, reseller, class. Rows: at most one, by the index account_owner.
SELECT shard, number, class, owner, posted, held, credit_limit, usage_day, usage_count, usage_amount_minor
FROM account
WHERE shard = $1 AND owner = $2 AND class = $3
