-- Which top-ups' payments are settled.
-- Parameters: shard, ids of top-ups. Rows: those of the ids that are, by the index settlement_line_paid.
-- LATERAL with OFFSET 0 keeps it a probe per row, whatever the planner believed when the table was empty.
SELECT s.paid
FROM unnest($2::uuid[]) AS wanted (paid)
CROSS JOIN LATERAL (
    SELECT * FROM settlement_line t WHERE t.shard = $1 AND t.paid = wanted.paid OFFSET 0
) AS s
