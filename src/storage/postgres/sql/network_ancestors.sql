-- Places registered resellers in the network's tree.
-- Parameters: arrays of one column each: ancestor, descendant, depth of the lines within the batch; then parent,
-- descendant, depth for each that hangs below a parent that was there before. Rows: none.
-- Every row costs the same, however many come at once.
INSERT INTO reseller_ancestor (ancestor, descendant, depth)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::smallint[])
UNION ALL
SELECT above.ancestor, hung.descendant, (hung.depth + above.depth)::smallint
FROM unnest($4::uuid[], $5::uuid[], $6::smallint[]) AS hung (parent, descendant, depth)
CROSS JOIN LATERAL (
    SELECT a.ancestor, a.depth FROM reseller_ancestor a WHERE a.descendant = hung.parent OFFSET 0
) AS above
