-- A page of cases that are not closed, newest first.
-- Parameters: shard; time of opening and id before which; status or null, owner or null, time before which somebody was to
-- have called back or null; partner, roots as a JSON array, limit. Rows: records by time of opening and id, descending.
-- The index record_case_unclosed, whose conditions the literals are, is walked from its end until the page is full.
SELECT r.shard, r.kind, r.owner, r.id, r.version, r.content
FROM record r INDEXED BY record_case_unclosed
WHERE r.shard = ?1 AND r.kind = 127
  AND r.content ->> 'status' <> 'closed'
  AND r.content ->> 'opened_at_ms' <= ?2 AND (r.content ->> 'opened_at_ms', r.id) < (?2, ?3)
  AND (?4 IS NULL OR r.content ->> 'status' = ?4)
  AND (?5 IS NULL OR r.content ->> 'owner' = ?5)
  AND (?6 IS NULL OR (r.content ->> 'called_back_at_ms' IS NULL AND r.content ->> 'call_back_by_ms' < ?6))
  AND (
      (r.content ->> 'reseller' IS NULL AND r.content ->> 'partner' = ?7)
      OR EXISTS (
          SELECT 1 FROM json_each(?8) AS root
          JOIN reseller_ancestor a ON a.ancestor = unhex(root.value)
          WHERE a.descendant = unhex(r.content ->> 'reseller')
      )
  )
ORDER BY r.content ->> 'opened_at_ms' DESC, r.id DESC
LIMIT ?9
