-- Resellers by code or id, as far as they lie below the roots.
-- Parameters: codes, ids, roots. Rows: id and code of each, once; by the indexes on code and id, then on descendant.
SELECT r.id, r.code
FROM (
    SELECT by_code.id, by_code.code
    FROM unnest($1::text[]) AS wanted (code)
    CROSS JOIN LATERAL (SELECT t.id, t.code FROM reseller t WHERE t.code = wanted.code OFFSET 0) AS by_code
    UNION
    SELECT by_id.id, by_id.code
    FROM unnest($2::uuid[]) AS wanted (id)
    CROSS JOIN LATERAL (SELECT t.id, t.code FROM reseller t WHERE t.id = wanted.id OFFSET 0) AS by_id
) AS r
WHERE EXISTS (
    SELECT 1 FROM reseller_ancestor a WHERE a.descendant = r.id AND a.ancestor = ANY ($3::uuid[]) OFFSET 0
)
