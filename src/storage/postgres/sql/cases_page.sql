-- A part of the statements that begin with cases and cases_unclosed: which of them, and the page.
-- Parameters: shard; time of opening and id before which; status or null, owner or null, time before which somebody was to
-- have called back or null; partner, roots, limit. Rows: records by time of opening and id, descending.
-- OFFSET 0 keeps the look-up of the ancestor a probe per row.
  AND r.shard = $1
  AND ((r.content::jsonb ->> 'opened_at_ms')::bigint, r.id) < ($2, $3)
  AND ($4::text IS NULL OR r.content::jsonb ->> 'status' = $4)
  AND ($5::text IS NULL OR r.content::jsonb ->> 'owner' = $5)
  AND ($6::bigint IS NULL OR (
      r.content::jsonb ->> 'called_back_at_ms' IS NULL AND (r.content::jsonb ->> 'call_back_by_ms')::bigint < $6
  ))
  AND (
      (r.content::jsonb ->> 'reseller' IS NULL AND r.content::jsonb ->> 'partner' = $7)
      OR EXISTS (
          SELECT 1 FROM reseller_ancestor a
          WHERE a.ancestor = ANY ($8) AND a.descendant = (r.content::jsonb ->> 'reseller')::uuid
          OFFSET 0
      )
  )
ORDER BY (r.content::jsonb ->> 'opened_at_ms')::bigint DESC, r.id DESC
LIMIT $9
