-- Writes a partner unless it is known.
-- Parameters: id, name, created_at. Rows: none.
INSERT INTO partner (id, name, created_at) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING
