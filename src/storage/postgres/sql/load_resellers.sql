-- What decisions read of resellers.
-- Parameters: shards and resellers, pairwise. Rows: the resellers that exist, by the primary key.
SELECT r.shard, r.reseller, r.stock_account, r.standing, r.per_operation_minor, r.per_day_count, r.per_day_minor
FROM unnest($1::smallint[], $2::uuid[]) AS wanted (shard, reseller)
JOIN reseller_state r ON r.shard = wanted.shard AND r.reseller = wanted.reseller
