-- What stands below resellers.
-- Parameters: ids. Rows: one for each: children that are not closed, their levels, and the longest line downwards.
SELECT wanted.id, children.open_children, children.levels, line.height
FROM unnest($1::uuid[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT count(*) AS open_children, string_agg(DISTINCT c.level, ',') AS levels
    FROM reseller c WHERE c.parent = wanted.id AND c.standing <> 'closed'
) AS children
CROSS JOIN LATERAL (
    SELECT coalesce(max(a.depth), 0)::bigint AS height FROM reseller_ancestor a WHERE a.ancestor = wanted.id
) AS line
