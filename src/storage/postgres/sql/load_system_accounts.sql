-- The accounts of whole shards that stand without a reseller: their numbers are those of their classes.
-- Parameters: shards, the first number of resellers' accounts. Rows: accounts.
-- One range of the primary key per shard.
SELECT a.shard, a.number, a.class, a.owner, a.posted, a.held, a.credit_limit, a.usage_day, a.usage_count,
       a.usage_amount_minor
FROM unnest($1::smallint[]) AS wanted (shard)
JOIN account a ON a.shard = wanted.shard AND a.number < $2
