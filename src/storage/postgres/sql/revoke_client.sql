-- Revokes a client; the first time it was revoked stays.
-- Parameters: id, revoked_at. Rows: none; one is changed when the client exists.
UPDATE client SET revoked_at = least(revoked_at, $2) WHERE id = $1
