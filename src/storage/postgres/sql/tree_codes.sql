-- Who has these codes.
-- Parameters: codes. Rows: code and id, by the unique index on codes.
-- LATERAL with OFFSET 0 keeps it a probe per row, whatever the planner believed when the table was empty.
SELECT r.code, r.id
FROM unnest($1::text[]) AS wanted (code)
CROSS JOIN LATERAL (SELECT t.code, t.id FROM reseller t WHERE t.code = wanted.code OFFSET 0) AS r
