-- The first item of evidence without an entry about its operation. Both are written by one transaction, so that there
-- never is one.
-- Parameters: shard. Rows: at most one, with its sequence.
SELECT v.sequence
FROM evidence v
WHERE v.shard = $1
  AND NOT EXISTS (
      SELECT 1 FROM entry e WHERE e.shard = v.shard AND e.sequence = v.sequence AND e.subject = v.operation
  )
ORDER BY v.sequence
LIMIT 1
