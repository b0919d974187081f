-- The entries that left a state of some top-ups, refunds or reversals.
-- Parameters: shard; ids as a JSON array. Rows: sequences, ascending, by the primary key.
-- CROSS JOIN keeps the order: what is wanted outside, the table inside.
SELECT t.sequence
FROM json_each(?2) AS j
CROSS JOIN topup_state t ON t.shard = ?1 AND t.id = unhex(j.value)
ORDER BY t.sequence
