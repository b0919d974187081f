-- A reseller and all above it, from the bottom up.
-- Parameters: id. Rows: ids.
SELECT ancestor FROM reseller_ancestor WHERE descendant = ?1 ORDER BY depth
