-- The first posting without an entry.
-- Parameters: shard, up to this sequence. Rows: at most one, with its sequence and line.
SELECT p.sequence, p.line
FROM posting p
WHERE p.shard = $1 AND p.sequence <= $2
  AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.shard = p.shard AND e.sequence = p.sequence)
ORDER BY p.sequence, p.line
LIMIT 1
