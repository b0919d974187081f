-- Which top-ups bear these references at an acquirer.
-- Parameters: acquirer, a JSON array of references. Rows: references with their top-ups, by the index
-- topup_state_reference; one stands several times when several steps have it.
SELECT s.reference, s.id
FROM json_each(?2) AS j
CROSS JOIN topup_state s ON s.acquirer = ?1 AND s.reference = j.value
