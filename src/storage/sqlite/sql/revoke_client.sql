-- Revokes a client; the first time it was revoked stays.
-- Parameters: id, revoked_at. Rows: none; one is changed when the client exists.
UPDATE client SET revoked_at = min(coalesce(revoked_at, ?2), ?2) WHERE id = ?1
