-- The account of a class that a reseller owns.
-- Parameters: shard, reseller, class. Rows: at most one, by the index account_owner.
-- The index is named: it is partial, and without its condition and its name SQLite would walk all accounts of the shard.
SELECT shard, number, class, owner, posted, held, credit_limit, usage_day, usage_count, usage_amount_minor
FROM account INDEXED BY account_owner
WHERE shard = ?1 AND owner = ?2 AND class = ?3 AND owner IS NOT NULL
