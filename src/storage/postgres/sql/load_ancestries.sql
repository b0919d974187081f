-- Who stands above resellers, and at which level.
-- Parameters: shards and resellers, pairwise; the shard only comes back. Rows: the reseller itself at depth 0 and all
-- above it, by the index reseller_ancestor_descendant, ordered from the bottom up.
-- LATERAL with OFFSET 0 keeps it a probe per row, whatever the planner believed when the tables were empty.
SELECT wanted.shard, wanted.reseller, a.ancestor, r.level
FROM unnest($1::smallint[], $2::uuid[]) AS wanted (shard, reseller)
CROSS JOIN LATERAL (
    SELECT t.ancestor, t.depth FROM reseller_ancestor t WHERE t.descendant = wanted.reseller OFFSET 0
) AS a
CROSS JOIN LATERAL (SELECT t.level FROM reseller t WHERE t.id = a.ancestor OFFSET 0) AS r
ORDER BY wanted.shard, wanted.reseller, a.depth
