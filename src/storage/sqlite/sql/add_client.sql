-- Writes a client.
-- Parameters: id, partner, name, scopes, rate limit, created_at. Rows: none.
INSERT INTO client (id, partner, name, scopes, rate_limit_per_s, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
