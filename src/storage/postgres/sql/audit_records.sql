-- All records.
-- Rows: records by shard and key.
SELECT shard, kind, owner, id, version, content FROM record ORDER BY shard, kind, owner, id
