-- Resellers by code or id, as far as they lie below the roots.
-- Parameters: codes, ids, roots. Rows: id and code of each, once.
SELECT r.id, r.code
FROM reseller r
WHERE (r.code = ANY ($1::text[]) OR r.id = ANY ($2::uuid[]))
  AND EXISTS (SELECT 1 FROM reseller_ancestor a WHERE a.descendant = r.id AND a.ancestor = ANY ($3::uuid[]))
