-- Whether migrations were ever applied.
-- Rows: one.
SELECT to_regclass('_sqlx_migrations') IS NOT NULL
