-- How many operations are in doubt, and since when the oldest is held.
-- Parameters: due at or before. Rows: one.
SELECT count(*) AS operations, min(placed_at) AS oldest
FROM hold
WHERE due_at <= $1
