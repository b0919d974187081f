-- Writes a client with its roots and secrets, and its partner when that is new: one statement, so all or nothing.
-- Parameters: id, partner, partner's name, name, scopes, rate limit, created_at; roots; hashes, their creation
-- and expiry, pairwise. Rows: none.
WITH new_partner AS (
    INSERT INTO partner (id, name, created_at) VALUES ($2, $3, $7) ON CONFLICT (id) DO NOTHING
), new_client AS (
    INSERT INTO client (id, partner, name, scopes, rate_limit_per_s, created_at) VALUES ($1, $2, $4, $5, $6, $7)
), new_roots AS (
    INSERT INTO client_root (client, reseller) SELECT $1, root FROM unnest($8::uuid[]) AS root
)
INSERT INTO client_secret (client, hash, created_at, expires_at)
SELECT $1, hash, created_at, expires_at
FROM unnest($9::text[], $10::bigint[], $11::bigint[]) AS secret (hash, created_at, expires_at)
