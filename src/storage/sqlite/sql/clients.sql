-- API clients, by name, revoked ones included.
-- Parameters: the id of one client, or null for all. Rows: clients.
SELECT id, partner, name, scopes, rate_limit_per_s, created_at, revoked_at
FROM client
WHERE ?1 IS NULL OR id = ?1
ORDER BY name
