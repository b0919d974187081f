-- What decisions read of resellers.
-- Parameters: shards and resellers, pairwise. Rows: the resellers that exist, by the primary key.
-- LATERAL with OFFSET 0 keeps it a probe per row, whatever the planner believed when the table was empty.
SELECT r.shard, r.reseller, r.stock_account, r.standing, r.per_operation_minor, r.per_day_count, r.per_day_minor,
       r.parent, r.level, r.place, r.version
FROM unnest($1::smallint[], $2::uuid[]) AS wanted (shard, reseller)
CROSS JOIN LATERAL (
    SELECT * FROM reseller_state t WHERE t.shard = wanted.shard AND t.reseller = wanted.reseller OFFSET 0
) AS r
