-- Which top-ups' payments are settled.
-- Parameters: shard, ids of top-ups. Rows: those of the ids that are: by a line, by the index settlement_line_paid, or by
-- hand, as the record of the top-up's item says (kind 106).
-- LATERAL with OFFSET 0 keeps it a probe per row, whatever the planner believed when the table was empty.
SELECT s.paid
FROM unnest($2::uuid[]) AS wanted (paid)
CROSS JOIN LATERAL (
    SELECT * FROM settlement_line t WHERE t.shard = $1 AND t.paid = wanted.paid OFFSET 0
) AS s
UNION ALL
SELECT wanted.paid
FROM unnest($2::uuid[]) AS wanted (paid)
CROSS JOIN LATERAL (
    SELECT r.content FROM record r
    WHERE r.shard = $1 AND r.kind = 106 AND r.owner = '00000000-0000-0000-0000-000000000000'
      AND r.id = 'itm_' || replace(wanted.paid::text, '-', '')
    OFFSET 0
) AS s
WHERE (s.content::jsonb ->> 'settled')::boolean
