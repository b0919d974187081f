-- The numbers of cases.
-- Parameters: digests as a JSON array. Rows: those that are kept, by the primary key.
-- CROSS JOIN keeps the order: what is wanted outside, the table inside.
SELECT n.digest, n.salt, n.subscriber, n.call_back
FROM json_each(?1) AS j
CROSS JOIN case_number n ON n.digest = unhex(j.value)
