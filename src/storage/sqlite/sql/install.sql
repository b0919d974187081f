-- Fixes what never changes, the first time. The key is written out: SQLite numbers an integer key by itself where
-- it is left out, whatever its default, and the second row would break a check instead of meeting the first.
-- Parameters: shards, currency, created_at. Rows: none.
INSERT INTO installation (only_row, shards, currency, created_at) VALUES (1, ?1, ?2, ?3) ON CONFLICT DO NOTHING
