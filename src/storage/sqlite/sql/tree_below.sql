-- What stands below resellers.
-- Parameters: a JSON array of ids. Rows: one for each: children that are not closed, their levels, and the longest
-- line downwards.
SELECT unhex(j.value) AS id,
       (SELECT count(*) FROM reseller c WHERE c.parent = unhex(j.value) AND c.standing <> 'closed') AS open_children,
       (SELECT group_concat(DISTINCT c.level) FROM reseller c
        WHERE c.parent = unhex(j.value) AND c.standing <> 'closed') AS levels,
       (SELECT coalesce(max(a.depth), 0) FROM reseller_ancestor a WHERE a.ancestor = unhex(j.value)) AS height
FROM json_each(?1) AS j
