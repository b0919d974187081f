-- All resellers: what decisions read of them, and their place in the network.
-- Rows: resellers by shard and id.
SELECT r.shard, r.reseller, r.stock_account, r.standing, r.per_operation_minor, r.per_day_count, r.per_day_minor,
       r.parent, r.level, r.place, r.version, n.id, n.code, n.name, n.level AS place_level, n.parent AS place_parent,
       n.created_at
FROM reseller_state r
JOIN reseller n ON n.id = r.reseller
ORDER BY r.shard, r.reseller
