-- A page of the resellers below some roots, the roots included, each once, newest first.
-- Parameters: roots, id before which, limit, level or NULL, standing or NULL. Rows: places, states and stock by id,
-- descending.
-- LATERAL walks each root's range of the primary key (ancestor, descendant) from its end until a page is full.
SELECT r.shard, r.reseller, r.stock_account, r.standing, r.per_operation_minor, r.per_day_count, r.per_day_minor,
       r.parent, r.level, r.place, r.version, n.id, n.code, n.name, n.level AS place_level, n.parent AS place_parent,
       n.created_at, a.number, a.class, a.owner, a.posted, a.held, a.credit_limit, a.usage_day, a.usage_count,
       a.usage_amount_minor
FROM (
    SELECT DISTINCT below.descendant
    FROM unnest($1::uuid[]) AS root (id)
    CROSS JOIN LATERAL (
        SELECT line.descendant
        FROM reseller_ancestor line
        CROSS JOIN LATERAL (SELECT t.level, t.standing FROM reseller t WHERE t.id = line.descendant OFFSET 0) AS place
        WHERE line.ancestor = root.id AND line.descendant < $2
          AND ($4::text IS NULL OR place.level = $4) AND ($5::text IS NULL OR place.standing = $5)
        ORDER BY line.descendant DESC
        LIMIT $3
    ) AS below
    ORDER BY below.descendant DESC
    LIMIT $3
) AS page
CROSS JOIN LATERAL (SELECT * FROM reseller t WHERE t.id = page.descendant OFFSET 0) AS n
CROSS JOIN LATERAL (SELECT * FROM reseller_state t WHERE t.shard = n.shard AND t.reseller = n.id OFFSET 0) AS r
CROSS JOIN LATERAL (SELECT * FROM account t WHERE t.shard = n.shard AND t.number = n.stock_account OFFSET 0) AS a
ORDER BY n.id DESC
