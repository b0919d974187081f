-- The resellers that nobody stands above, by the index on parents.
-- Parameters: none. Rows: ids, in order.
SELECT id FROM reseller WHERE parent IS NULL ORDER BY id
