-- A page of the direct children of a reseller, newest first.
-- Parameters: parent, id before which, limit, level or NULL, standing or NULL. Rows: places, states and stock by id,
-- descending.
SELECT r.shard, r.reseller, r.stock_account, r.standing, r.per_operation_minor, r.per_day_count, r.per_day_minor,
       r.parent, r.level, r.place, r.version, n.id, n.code, n.name, n.level AS place_level, n.parent AS place_parent,
       n.created_at, a.number, a.class, a.owner, a.posted, a.held, a.credit_limit, a.usage_day, a.usage_count,
       a.usage_amount_minor
FROM (
    SELECT * FROM reseller
    WHERE parent = $1 AND id < $2 AND ($4::text IS NULL OR level = $4) AND ($5::text IS NULL OR standing = $5)
    ORDER BY id DESC
    LIMIT $3
) AS n
CROSS JOIN LATERAL (SELECT * FROM reseller_state t WHERE t.shard = n.shard AND t.reseller = n.id OFFSET 0) AS r
CROSS JOIN LATERAL (SELECT * FROM account t WHERE t.shard = n.shard AND t.number = n.stock_account OFFSET 0) AS a
ORDER BY n.id DESC
