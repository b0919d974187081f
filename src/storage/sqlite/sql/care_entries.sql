-- Which entries of a shard are about some subjects, within windows of its journal.
-- Parameters: shard; subjects as a JSON array; windows as a JSON array of {behind, up_to}. Rows: sequences, ascending.
-- There is no index by subject, which each entry of each recharge would pay for: a window is a range of the primary
-- key, read whole. CROSS JOIN keeps the order: windows outside, the journal inside.
SELECT DISTINCT e.sequence
FROM json_each(?3) AS j
CROSS JOIN entry e
    ON e.shard = ?1 AND e.sequence > j.value ->> 'behind' AND e.sequence <= j.value ->> 'up_to'
WHERE e.subject IN (SELECT unhex(s.value) FROM json_each(?2) AS s)
ORDER BY e.sequence
