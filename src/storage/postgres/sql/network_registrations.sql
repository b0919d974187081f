-- Places resellers in the network's tree; a parent may stand in the same batch.
-- Parameters: arrays of one column each: id, code, name, level, parent, created_at. Rows: none.
-- "climb" goes from each new reseller up to its first ancestor that was there before; the tree above that one
-- is known already.
WITH RECURSIVE new AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::bigint[])
        AS n (id, code, name, level, parent, created_at)
), registered AS (
    INSERT INTO reseller (id, code, name, level, parent, created_at)
    SELECT id, code, name, level, parent, created_at FROM new
), climb (ancestor, descendant, depth) AS (
    SELECT id, id, 0 FROM new
    UNION ALL
    SELECT new.parent, climb.descendant, climb.depth + 1
    FROM climb JOIN new ON new.id = climb.ancestor
    WHERE new.parent IS NOT NULL AND climb.depth < 64
)
INSERT INTO reseller_ancestor (ancestor, descendant, depth)
SELECT ancestor, descendant, depth::smallint FROM climb
UNION ALL
SELECT above.ancestor, climb.descendant, (climb.depth + above.depth)::smallint
FROM climb JOIN reseller_ancestor above ON above.descendant = climb.ancestor AND above.depth > 0
