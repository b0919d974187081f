-- Which references were posted before.
-- Parameters: shard, a JSON array of keys. Rows: those of the keys that are there, by the index settlement_line_key.
-- CROSS JOIN keeps the order: what is wanted outside, the table inside.
SELECT s.key
FROM json_each(?2) AS j
CROSS JOIN settlement_line s ON s.shard = ?1 AND s.key = unhex(j.value)
