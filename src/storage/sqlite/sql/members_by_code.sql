-- Resellers by the operator's own codes: their places, states and stock.
-- Parameters: a JSON array of codes. Rows: those that somebody has.
-- CROSS JOIN keeps the order: what is wanted outside, the tables inside.
SELECT r.shard, r.reseller, r.stock_account, r.standing, r.per_operation_minor, r.per_day_count, r.per_day_minor,
       r.parent, r.level, r.place, r.version, n.id, n.code, n.name, n.level AS place_level, n.parent AS place_parent,
       n.created_at, a.number, a.class, a.owner, a.posted, a.held, a.credit_limit, a.usage_day, a.usage_count,
       a.usage_amount_minor
FROM json_each(?1) AS j
CROSS JOIN reseller n ON n.code = j.value
CROSS JOIN reseller_state r ON r.shard = n.shard AND r.reseller = n.id
CROSS JOIN account a ON a.shard = n.shard AND a.number = n.stock_account
