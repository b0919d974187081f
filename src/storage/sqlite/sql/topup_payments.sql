-- The payments of top-ups as they stand now.
-- Parameters: a JSON array of {shard, id}. Rows: those that exist. The last state of each, by one step of the primary
-- key from its end: each step of a top-up leaves one, with the operation. Refunds and reversals have states too; they
-- name what they are of.
-- CROSS JOIN keeps the order: what is wanted outside, the table inside.
SELECT t.id, t.content
FROM json_each(?1) AS j
CROSS JOIN topup_state t ON t.shard = j.value ->> 'shard' AND t.id = unhex(j.value ->> 'id')
WHERE t.topup IS NULL
  AND t.sequence = (
      SELECT max(s.sequence) FROM topup_state s
      WHERE s.shard = j.value ->> 'shard' AND s.id = unhex(j.value ->> 'id')
  )
