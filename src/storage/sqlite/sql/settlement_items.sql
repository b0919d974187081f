-- A page of the lines of settlement files that did not match, the oldest first, each with the record of its item (kind
-- 106), once it has one.
-- Parameters: shard; day, file and number after which; state or null, limit; only settled before this day; owner or null,
-- status of the item or null: open, proposed, resolved.
-- Rows: lines by day, file and number. The literal state is the condition of the index settlement_line_open. A proposal
-- that waits has status 7.
SELECT s.file, s.number, s.acquirer, s.reference, s.kind, s.state, s.operation, s.gross_minor, s.fee_minor,
       s.settled_on, s.posted, r.content AS item
FROM settlement_line s
LEFT JOIN record r ON r.shard = s.shard AND r.kind = 106 AND r.owner = zeroblob(16)
    AND r.id = 'itm_' || lower(hex(s.file)) || '-' || s.number
WHERE s.shard = ?1 AND s.state <> 1
  AND (s.settled_on, s.file, s.number) > (?2, ?3, ?4)
  AND (?5 IS NULL OR s.state = ?5)
  AND s.settled_on < ?7
  AND (?8 IS NULL OR r.content ->> 'owner' = ?8)
  AND (?9 IS NULL OR ?9 = CASE
      WHEN r.content ->> 'resolved' IS NOT NULL THEN 'resolved'
      WHEN EXISTS (
          SELECT 1 FROM operation o
          WHERE o.shard = s.shard AND o.id = unhex(r.content ->> 'proposal') AND o.status = 7
      ) THEN 'proposed'
      ELSE 'open'
  END)
ORDER BY s.settled_on, s.file, s.number
LIMIT ?6
