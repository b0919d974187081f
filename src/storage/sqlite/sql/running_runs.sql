-- Runs that are not finished, the oldest first, by the partial index on them.
-- Parameters: none. Rows: ids.
SELECT id FROM allocation_run WHERE done IS NULL ORDER BY id
