-- Resellers by the operator's own codes: their places, states and stock.
-- Parameters: codes. Rows: those that somebody has.
-- LATERAL with OFFSET 0 keeps it probes of indexes, whatever the planner believed when the tables were empty.
SELECT r.shard, r.reseller, r.stock_account, r.standing, r.per_operation_minor, r.per_day_count, r.per_day_minor,
       r.parent, r.level, r.place, r.version, n.id, n.code, n.name, n.level AS place_level, n.parent AS place_parent,
       n.created_at, a.number, a.class, a.owner, a.posted, a.held, a.credit_limit, a.usage_day, a.usage_count,
       a.usage_amount_minor
FROM unnest($1::text[]) AS wanted (code)
CROSS JOIN LATERAL (SELECT * FROM reseller t WHERE t.code = wanted.code OFFSET 0) AS n
CROSS JOIN LATERAL (SELECT * FROM reseller_state t WHERE t.shard = n.shard AND t.reseller = n.id OFFSET 0) AS r
CROSS JOIN LATERAL (SELECT * FROM account t WHERE t.shard = n.shard AND t.number = n.stock_account OFFSET 0) AS a
