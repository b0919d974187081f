-- The stock of a reseller and of all below it, by level and standing.
-- Parameters: id. Rows: level, standing, resellers, posted, held.
-- CROSS JOIN makes it one walk of the range (ancestor, ...) with two probes of primary keys per reseller.
SELECT n.level, n.standing, count(*) AS resellers, sum(a.posted) AS posted_minor, sum(a.held) AS held_minor
FROM reseller_ancestor line
CROSS JOIN reseller n ON n.id = line.descendant
CROSS JOIN account a ON a.shard = n.shard AND a.number = n.stock_account
WHERE line.ancestor = ?1
GROUP BY n.level, n.standing
