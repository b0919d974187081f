-- Takes a subtree from all above it.
-- Parameters: the reseller at its top. Rows: none.
DELETE FROM reseller_ancestor
WHERE (ancestor, descendant) IN (
    SELECT above.ancestor, below.descendant
    FROM reseller_ancestor above
    CROSS JOIN reseller_ancestor below ON below.ancestor = ?1
    WHERE above.descendant = ?1 AND above.depth > 0
)
