-- What was stated about recharges.
-- Parameters: shard of the operator, a JSON array of ids as hexadecimal digits. Rows: statements, the oldest first.
-- CROSS JOIN keeps the order: what is wanted outside, the table inside.
SELECT e.id
FROM json_each(?2) AS j
CROSS JOIN four_eyes e ON e.shard = ?1 AND e.recharge = unhex(j.value)
ORDER BY e.id
