-- The first staff action without an entry. Both are written by one transaction, so that there never is one.
-- Parameters: shard. Rows: at most one, with its sequence.
SELECT s.sequence
FROM staff_action s
WHERE s.shard = $1
  AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.shard = s.shard AND e.sequence = s.sequence)
ORDER BY s.sequence
LIMIT 1
