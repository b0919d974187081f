-- The roots of the subtrees that API clients act for.
-- Parameters: the id of one client, or null for all. Rows: client and reseller.
SELECT client, reseller FROM client_root WHERE ?1 IS NULL OR client = ?1 ORDER BY client, reseller
