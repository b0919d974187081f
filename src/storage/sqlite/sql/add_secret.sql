-- Adds a secret to a client.
-- Parameters: client, hash, created_at, expires_at. Rows: none.
INSERT INTO client_secret (client, hash, created_at, expires_at) VALUES (?1, ?2, ?3, ?4)
