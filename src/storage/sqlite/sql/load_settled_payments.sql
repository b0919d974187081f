-- Which top-ups' payments are settled.
-- Parameters: shard, a JSON array of ids. Rows: those of the ids that are: by a line, by the index settlement_line_paid,
-- or by hand, as the record of the top-up's item says (kind 106).
-- CROSS JOIN keeps the order: what is wanted outside, the table inside.
SELECT s.paid
FROM json_each(?2) AS j
CROSS JOIN settlement_line s ON s.shard = ?1 AND s.paid = unhex(j.value)
UNION ALL
SELECT unhex(j.value)
FROM json_each(?2) AS j
CROSS JOIN record r ON r.shard = ?1 AND r.kind = 106 AND r.owner = zeroblob(16) AND r.id = 'itm_' || lower(j.value)
WHERE r.content ->> 'settled'
