-- Hangs a subtree that was taken from its place below another reseller.
-- Parameters: the reseller at its top, its new parent. Rows: none.
INSERT INTO reseller_ancestor (ancestor, descendant, depth)
SELECT above.ancestor, below.descendant, above.depth + below.depth + 1
FROM reseller_ancestor above
CROSS JOIN reseller_ancestor below ON below.ancestor = ?1
WHERE above.descendant = ?2
