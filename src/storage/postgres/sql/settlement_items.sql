-- A page of the lines of settlement files that did not match, the oldest first, each with the record of its item (kind
-- 106), once it has one.
-- Parameters: shard; day, file and number after which; state or null, limit; only settled before this day; owner or null,
-- status of the item or null: open, proposed, resolved.
-- Rows: lines by day, file and number. The literal state is the condition of the index settlement_line_open. A proposal
-- that waits has status 7.
SELECT s.file, s.number, s.acquirer, s.reference, s.kind, s.state, s.operation, s.gross_minor, s.fee_minor,
       s.settled_on, s.posted, r.content AS item
FROM settlement_line s
LEFT JOIN LATERAL (
    SELECT t.content, t.content::jsonb AS body FROM record t
    WHERE t.shard = s.shard AND t.kind = 106 AND t.owner = '00000000-0000-0000-0000-000000000000'
      AND t.id = 'itm_' || replace(s.file::text, '-', '') || '-' || s.number
    OFFSET 0
) AS r ON true
WHERE s.shard = $1 AND s.state <> 1
  AND (s.settled_on, s.file, s.number) > ($2, $3, $4)
  AND ($5::smallint IS NULL OR s.state = $5)
  AND s.settled_on < $7
  AND ($8::text IS NULL OR r.body ->> 'owner' = $8)
  AND ($9::text IS NULL OR $9 = CASE
      WHEN r.body ->> 'resolved' IS NOT NULL THEN 'resolved'
      WHEN EXISTS (
          SELECT 1 FROM operation o
          WHERE o.shard = s.shard AND o.id = (r.body ->> 'proposal')::uuid AND o.status = 7
      ) THEN 'proposed'
      ELSE 'open'
  END)
ORDER BY s.settled_on, s.file, s.number
LIMIT $6
