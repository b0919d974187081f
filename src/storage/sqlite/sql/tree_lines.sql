-- Resellers, each with all above it.
-- Parameters: a JSON array of ids. Rows: places and standings; one that stands above several comes several times.
-- CROSS JOIN keeps the order: what is wanted outside, the tables inside.
SELECT r.id, r.code, r.name, r.level, r.parent, r.created_at, r.standing
FROM json_each(?1) AS j
CROSS JOIN reseller_ancestor above ON above.descendant = unhex(j.value)
CROSS JOIN reseller r ON r.id = above.ancestor
