-- What was fixed when the database was installed.
-- Rows: at most one.
SELECT shards, currency FROM installation
