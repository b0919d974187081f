-- The stock of a reseller and of all below it, by level and standing.
-- Parameters: id. Rows: level, standing, resellers, posted, held.
-- Planned for each subtree by itself, see totals_settings.
SELECT n.level, n.standing, count(*) AS resellers, sum(a.posted)::bigint AS posted_minor,
       sum(a.held)::bigint AS held_minor
FROM reseller_ancestor line
JOIN reseller n ON n.id = line.descendant
JOIN account a ON a.shard = n.shard AND a.number = n.stock_account
WHERE line.ancestor = $1
GROUP BY n.level, n.standing
