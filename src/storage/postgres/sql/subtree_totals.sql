-- The stock of a reseller and of all below it, by level and standing.
-- Parameters: id. Rows: level, standing, resellers, posted, held.
-- LATERAL with OFFSET 0 makes it one walk of the range (ancestor, ...) with two probes of primary keys per reseller.
SELECT n.level, n.standing, count(*) AS resellers, sum(a.posted)::bigint AS posted_minor,
       sum(a.held)::bigint AS held_minor
FROM reseller_ancestor line
CROSS JOIN LATERAL (
    SELECT t.level, t.standing, t.shard, t.stock_account FROM reseller t WHERE t.id = line.descendant OFFSET 0
) AS n
CROSS JOIN LATERAL (
    SELECT t.posted, t.held FROM account t WHERE t.shard = n.shard AND t.number = n.stock_account OFFSET 0
) AS a
WHERE line.ancestor = $1
GROUP BY n.level, n.standing
