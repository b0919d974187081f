-- All accounts of resellers.
-- Parameters: shards and resellers, pairwise. Rows: accounts, by the index account_owner.
SELECT a.shard, a.number, a.class, a.owner, a.posted, a.held, a.credit_limit, a.usage_day, a.usage_count,
       a.usage_amount_minor
FROM unnest($1::smallint[], $2::uuid[]) AS wanted (shard, reseller)
JOIN account a ON a.shard = wanted.shard AND a.owner = wanted.reseller
