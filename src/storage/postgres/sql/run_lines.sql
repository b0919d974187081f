-- A page of the lines of a run, each with its allocation as it stands now, when there is one.
-- Parameters: shard, run, after this line, limit, whether only lines without an allocation. Rows: lines by number, by
-- the primary key; allocations by their index on run and line.
SELECT l.shard, l.run, l.number, l.reseller, l.code, l.asked_minor, l.is_top_up,
       o.id AS operation, o.status, o.decline, o.amount_minor
FROM run_line l
LEFT JOIN allocation a ON a.shard = l.shard AND a.run = l.run AND a.line = l.number
LEFT JOIN operation o ON o.shard = a.shard AND o.id = a.id
WHERE l.shard = $1 AND l.run = $2 AND l.number > $3 AND (NOT $5 OR (a.id IS NULL AND l.reseller IS NOT NULL))
ORDER BY l.number
LIMIT $4
