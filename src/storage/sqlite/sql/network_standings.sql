-- Repeats the standing of resellers in the registry.
-- Parameters: a JSON array of states with reseller and standing. Rows: none; as many are changed as were sent.
UPDATE reseller
SET standing = j.value ->> 'standing'
FROM json_each(?1) AS j
WHERE reseller.id = unhex(j.value ->> 'reseller')
