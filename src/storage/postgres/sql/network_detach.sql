-- Takes a subtree from all above it.
-- Parameters: the reseller at its top. Rows: none.
DELETE FROM reseller_ancestor AS a
USING (SELECT ancestor FROM reseller_ancestor WHERE descendant = $1 AND depth > 0) AS above,
      (SELECT descendant FROM reseller_ancestor WHERE ancestor = $1) AS below
WHERE a.ancestor = above.ancestor AND a.descendant = below.descendant
