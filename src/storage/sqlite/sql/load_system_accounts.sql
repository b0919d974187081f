-- The accounts of whole shards that stand without a reseller: their numbers are those of their classes.
-- Parameters: shards as a JSON array, the first number of resellers' accounts. Rows: accounts.
-- CROSS JOIN keeps the order: one range of the primary key per shard.
SELECT a.shard, a.number, a.class, a.owner, a.posted, a.held, a.credit_limit, a.usage_day, a.usage_count,
       a.usage_amount_minor
FROM json_each(?1) AS j
CROSS JOIN account a ON a.shard = j.value AND a.number < ?2
