-- One reseller by the operator's own code.
-- Parameters: code. Rows: at most one.
SELECT id, code, name, level, parent, created_at FROM reseller WHERE code = $1
