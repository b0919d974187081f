-- How many operations are in doubt, and since when the oldest is held.
-- Transfers that wait for acceptance hold stock as well; they are no doubt of ours, and few.
-- Parameters: due at or before. Rows: one.
SELECT count(*) AS operations, min(h.placed_at) AS oldest
FROM hold h
WHERE h.due_at <= ?1
  AND NOT EXISTS (
      SELECT 1 FROM operation o WHERE o.shard = h.shard AND o.id = h.operation AND o.kind IN (7, 8)
  )
