-- A page of the lines of settlement files that did not match, the oldest first.
-- Parameters: shard; day, file and number after which; state or null, limit.
-- Rows: lines by day, file and number. The literal state is the condition of the index settlement_line_open.
SELECT s.file, s.number, s.acquirer, s.reference, s.kind, s.state, s.operation, s.gross_minor, s.fee_minor,
       s.settled_on, s.posted
FROM settlement_line s
WHERE s.shard = ?1 AND s.state <> 1
  AND (s.settled_on, s.file, s.number) > (?2, ?3, ?4)
  AND (?5 IS NULL OR s.state = ?5)
ORDER BY s.settled_on, s.file, s.number
LIMIT ?6
