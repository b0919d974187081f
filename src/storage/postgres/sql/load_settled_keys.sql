-- Which references were posted before.
-- Parameters: shard, keys. Rows: those of the keys that are there, by the index settlement_line_key.
-- LATERAL with OFFSET 0 keeps it a probe per row, whatever the planner believed when the table was empty.
SELECT s.key
FROM unnest($2::bytea[]) AS wanted (key)
CROSS JOIN LATERAL (
    SELECT * FROM settlement_line t WHERE t.shard = $1 AND t.key = wanted.key OFFSET 0
) AS s
