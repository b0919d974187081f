-- Which top-ups' payments are settled.
-- Parameters: shard, a JSON array of ids. Rows: those of the ids that are, by the index settlement_line_paid.
-- CROSS JOIN keeps the order: what is wanted outside, the table inside.
SELECT s.paid
FROM json_each(?2) AS j
CROSS JOIN settlement_line s ON s.shard = ?1 AND s.paid = unhex(j.value)
