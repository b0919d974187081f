-- Lets a client's secrets end, unless they end earlier.
-- Parameters: client, when. Rows: none.
UPDATE client_secret SET expires_at = min(coalesce(expires_at, ?2), ?2) WHERE client = ?1
