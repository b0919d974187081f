-- Hangs a subtree that was taken from its place below another reseller.
-- Parameters: the reseller at its top, its new parent. Rows: none.
INSERT INTO reseller_ancestor (ancestor, descendant, depth)
SELECT above.ancestor, below.descendant, (above.depth + below.depth + 1)::smallint
FROM (SELECT ancestor, depth FROM reseller_ancestor WHERE descendant = $2) AS above
CROSS JOIN (SELECT descendant, depth FROM reseller_ancestor WHERE ancestor = $1) AS below
