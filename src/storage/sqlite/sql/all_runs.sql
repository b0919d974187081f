-- Runs in the order of their ids.
-- Parameters: shard, after this id, limit. Rows: ids, by the primary key.
SELECT id FROM allocation_run WHERE shard = ?1 AND id > ?2 ORDER BY id LIMIT ?3
