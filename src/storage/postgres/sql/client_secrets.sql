-- The hashed secrets of API clients, the oldest first.
-- Parameters: the id of one client, or null for all. Rows: client and secret.
SELECT client, hash, created_at, expires_at
FROM client_secret
WHERE $1::uuid IS NULL OR client = $1
ORDER BY client, created_at, hash
