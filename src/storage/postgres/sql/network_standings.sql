-- Repeats the standing of resellers in the registry.
-- Parameters: arrays of one column each. Rows: none; as many are changed as were sent.
UPDATE reseller AS r
SET standing = n.standing
FROM unnest($1::uuid[], $2::text[]) AS n (id, standing)
WHERE r.id = n.id
