-- Resellers, each with all above it.
-- Parameters: ids. Rows: places and standings; one that stands above several comes several times.
-- LATERAL with OFFSET 0 keeps it probes per row, whatever the planner believed when the tables were empty.
SELECT r.id, r.code, r.name, r.level, r.parent, r.created_at, r.standing
FROM unnest($1::uuid[]) AS wanted (id)
CROSS JOIN LATERAL (SELECT a.ancestor FROM reseller_ancestor a WHERE a.descendant = wanted.id OFFSET 0) AS above
CROSS JOIN LATERAL (SELECT * FROM reseller t WHERE t.id = above.ancestor OFFSET 0) AS r
