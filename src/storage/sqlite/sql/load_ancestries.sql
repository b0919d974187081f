-- Who stands above resellers, and at which level.
-- Parameters: a JSON array of {shard, reseller}; the shard only comes back. Rows: the reseller itself at depth 0 and
-- all above it, by the index reseller_ancestor_descendant, ordered from the bottom up.
-- CROSS JOIN keeps the order: what is wanted outside, the tables inside.
SELECT j.value ->> 'shard' AS shard, a.descendant AS reseller, a.ancestor, r.level
FROM json_each(?1) AS j
CROSS JOIN reseller_ancestor a ON a.descendant = unhex(j.value ->> 'reseller')
CROSS JOIN reseller r ON r.id = a.ancestor
ORDER BY 1, 2, a.depth
