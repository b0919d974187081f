-- A row of the registry that does not follow from the others.
-- Rows: at most one: what is wrong with it, the reseller, and the ancestor if it is about one.
-- 1: the state that it repeats is another. 2: a line that must be there is missing. 3: a line that must not be there.
SELECT * FROM (
    SELECT 1 AS wrong, r.id AS reseller, NULL AS ancestor
    FROM reseller r
    LEFT JOIN reseller_state s ON s.shard = r.shard AND s.reseller = r.id
    WHERE s.stock_account IS NOT r.stock_account OR s.standing IS NOT r.standing
    UNION ALL
    SELECT 2, r.id, r.id
    FROM reseller r
    LEFT JOIN reseller_ancestor a ON a.ancestor = r.id AND a.descendant = r.id
    WHERE a.depth IS NOT 0
    UNION ALL
    SELECT 2, r.id, above.ancestor
    FROM reseller r
    JOIN reseller_ancestor above ON above.descendant = r.parent
    LEFT JOIN reseller_ancestor a ON a.ancestor = above.ancestor AND a.descendant = r.id
    WHERE a.depth IS NOT above.depth + 1
    UNION ALL
    SELECT 3, a.descendant, a.ancestor
    FROM reseller_ancestor a
    LEFT JOIN reseller r ON r.id = a.descendant
    LEFT JOIN reseller_ancestor above ON above.ancestor = a.ancestor AND above.descendant = r.parent
    WHERE r.id IS NULL OR (a.depth = 0 AND a.ancestor <> a.descendant)
       OR (a.depth > 0 AND above.depth IS NOT a.depth - 1)
) AS stray
LIMIT 1
