-- How many cases nobody called back though the time for it is over.
-- Parameters: shard, time. Rows: one. The index record_case_unclosed, whose condition the literals are, has few rows.
SELECT count(*)
FROM record r INDEXED BY record_case_unclosed
WHERE r.shard = ?1 AND r.kind = 127 AND r.content ->> 'status' <> 'closed'
  AND r.content ->> 'called_back_at_ms' IS NULL AND r.content ->> 'call_back_by_ms' < ?2
