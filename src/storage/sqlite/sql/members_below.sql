-- A page of the resellers below a root, the root included, newest first.
-- Parameters: root, id before which, limit, level or NULL, standing or NULL. Rows: places, states and
-- stock by id, descending.
-- It walks the root's range of the primary key (ancestor, descendant) from its end until the page is full.
SELECT r.shard, r.reseller, r.stock_account, r.standing, r.per_operation_minor, r.per_day_count, r.per_day_minor,
       r.parent, r.level, r.place, r.version, n.id, n.code, n.name, n.level AS place_level, n.parent AS place_parent,
       n.created_at, a.number, a.class, a.owner, a.posted, a.held, a.credit_limit, a.usage_day, a.usage_count,
       a.usage_amount_minor
FROM (
    SELECT line.descendant
    FROM reseller_ancestor line
    CROSS JOIN reseller place ON place.id = line.descendant
    WHERE line.ancestor = ?1 AND line.descendant < ?2
      AND (?4 IS NULL OR place.level = ?4) AND (?5 IS NULL OR place.standing = ?5)
    ORDER BY line.descendant DESC
    LIMIT ?3
) AS page
CROSS JOIN reseller n ON n.id = page.descendant
CROSS JOIN reseller_state r ON r.shard = n.shard AND r.reseller = n.id
CROSS JOIN account a ON a.shard = n.shard AND a.number = n.stock_account
ORDER BY n.id DESC
