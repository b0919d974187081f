-- Places registered resellers in the network's tree; a parent may stand in the same batch.
-- Parameters: a JSON array of {id, parent}. Rows: none.
-- "climb" goes from each new reseller up to its first ancestor that was there before; the tree above that one
-- is known already.
WITH RECURSIVE new (id, parent) AS MATERIALIZED (
    SELECT unhex(j.value ->> 'id'), unhex(j.value ->> 'parent') FROM json_each(?1) AS j
), climb (ancestor, descendant, depth) AS (
    SELECT id, id, 0 FROM new
    UNION ALL
    SELECT new.parent, climb.descendant, climb.depth + 1
    FROM climb JOIN new ON new.id = climb.ancestor
    WHERE new.parent IS NOT NULL AND climb.depth < 64
)
INSERT INTO reseller_ancestor (ancestor, descendant, depth)
SELECT ancestor, descendant, depth FROM climb
UNION ALL
SELECT above.ancestor, climb.descendant, climb.depth + above.depth
FROM climb JOIN reseller_ancestor above ON above.descendant = climb.ancestor AND above.depth > 0
