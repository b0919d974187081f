-- Adds a secret to a client and lets the others end, unless they end earlier: one statement, so all or nothing.
-- Parameters: client, hash, created_at, expires_at, when the others end. Rows: none.
WITH ending AS (
    UPDATE client_secret
    SET expires_at = least(expires_at, $5)
    WHERE client = $1
)
INSERT INTO client_secret (client, hash, created_at, expires_at) VALUES ($1, $2, $3, $4)
