-- A page of cases, newest first.
-- Parameters: shard; time of opening and id before which; status or null, owner or null, time before which somebody was to
-- have called back or null; partner, roots, limit. Rows: records by time of opening and id, descending.
-- The index record_case, whose conditions the literals are, is walked from its end until the page is full. OFFSET 0 keeps
-- the look-up of the ancestor a probe per row.
SELECT r.shard, r.kind, r.owner, r.id, r.version, r.content
FROM record r
WHERE r.shard = $1 AND r.kind = 127
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
