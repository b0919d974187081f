-- A page of the lines of a run, each with its allocation as it stands now, when there is one.
-- Parameters: shard, run, after this line, limit, whether only lines without an allocation. Rows: lines by number, by
-- the primary key; allocations one by one by their index on run and line, whatever the planner knows of a run that has
-- just been written.
SELECT l.shard, l.run, l.number, l.reseller, l.code, l.asked_minor, l.is_top_up,
       o.id AS operation, o.status, o.decline, o.amount_minor
FROM run_line l
LEFT JOIN LATERAL (
    SELECT * FROM allocation t WHERE t.shard = l.shard AND t.run = l.run AND t.line = l.number OFFSET 0
) AS a ON true
LEFT JOIN LATERAL (
    SELECT * FROM operation t WHERE t.shard = a.shard AND t.id = a.id OFFSET 0
) AS o ON true
WHERE l.shard = $1 AND l.run = $2 AND l.number > $3 AND (NOT $5 OR (a.id IS NULL AND l.reseller IS NOT NULL))
ORDER BY l.number
LIMIT $4
