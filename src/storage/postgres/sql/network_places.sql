-- Gives resellers another place; what stands below them follows in statements of its own.
-- Parameters: arrays of one column each. Rows: none; as many are changed as were sent.
UPDATE reseller AS r
SET code = n.code, name = n.name, level = n.level, parent = n.parent
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[]) AS n (id, code, name, level, parent)
WHERE r.id = n.id
