-- All open holds.
-- Rows: holds by shard and operation.
SELECT shard, operation, account, amount_minor, placed_at, due_at FROM hold ORDER BY shard, operation
