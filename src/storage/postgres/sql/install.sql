-- Fixes what never changes, the first time.
-- Parameters: shards, currency, created_at. Rows: none.
INSERT INTO installation (only_row, shards, currency, created_at) VALUES (true, $1, $2, $3) ON CONFLICT DO NOTHING
