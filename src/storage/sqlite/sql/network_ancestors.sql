-- Places registered resellers in the network's tree.
-- Parameters: JSON arrays: {ancestor, descendant, depth} of the lines within the batch; the same for each that hangs
-- below an ancestor that was there before. Rows: none.
-- Every row costs the same, however many come at once.
INSERT INTO reseller_ancestor (ancestor, descendant, depth)
SELECT unhex(j.value ->> 'ancestor'), unhex(j.value ->> 'descendant'), j.value ->> 'depth' FROM json_each(?1) AS j
UNION ALL
SELECT above.ancestor, unhex(j.value ->> 'descendant'), (j.value ->> 'depth') + above.depth
FROM json_each(?2) AS j
CROSS JOIN reseller_ancestor above ON above.descendant = unhex(j.value ->> 'ancestor')
