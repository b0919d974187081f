-- The migrations that were applied.
-- Rows: migrations by version, ascending.
SELECT version, success, checksum FROM _sqlx_migrations ORDER BY version
