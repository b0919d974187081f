-- One reseller of the network.
-- Parameters: id. Rows: at most one.
SELECT id, code, name, level, parent, created_at FROM reseller WHERE id = $1
