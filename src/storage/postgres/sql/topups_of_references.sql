-- Which top-ups bear these references at an acquirer.
-- Parameters: acquirer, references. Rows: references with their top-ups, by the index topup_state_reference; one stands
-- several times when several steps have it.
SELECT s.reference, s.id
FROM unnest($2::text[]) AS wanted (reference)
CROSS JOIN LATERAL (
    SELECT * FROM topup_state t WHERE t.acquirer = $1 AND t.reference = wanted.reference OFFSET 0
) AS s
