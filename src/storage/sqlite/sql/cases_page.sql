-- A part of the statements that begin with cases and cases_unclosed: which of them, and the page.
-- Parameters: shard; time of opening and id before which; status or null, owner or null, time before which somebody was to
-- have called back or null; partner, roots as a JSON array, limit. Rows: records by time of opening and id, descending.
  AND r.shard = ?1
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
