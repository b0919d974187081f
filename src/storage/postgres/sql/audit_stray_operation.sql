-- The first operation whose last entry is missing or about something else.
-- Parameters: shard, up to this sequence. Rows: at most one, with its id and the sequence it names.
-- Asked only when a count has shown that there is one: it reads every operation of the shard.
SELECT o.id, o.last_sequence
FROM operation o
WHERE o.shard = $1 AND o.last_sequence <= $2
  AND NOT EXISTS (
      SELECT 1 FROM entry e WHERE e.shard = o.shard AND e.sequence = o.last_sequence AND e.subject = o.id
  )
ORDER BY o.id
LIMIT 1
