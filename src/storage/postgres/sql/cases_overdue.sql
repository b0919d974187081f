-- How many cases nobody called back though the time for it is over.
-- Parameters: shard, time. Rows: one. The index record_case_unclosed, whose condition the literals are, has few rows; the
-- time of opening, which is always positive, makes it of use.
SELECT count(*)
FROM record r
WHERE r.shard = $1 AND r.kind = 127 AND (r.content::jsonb ->> 'status') <> 'closed'
  AND (r.content::jsonb ->> 'opened_at_ms')::bigint > 0
  AND r.content::jsonb ->> 'called_back_at_ms' IS NULL AND (r.content::jsonb ->> 'call_back_by_ms')::bigint < $2
