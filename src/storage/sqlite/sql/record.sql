-- A record.
-- Parameters: shard, kind, owner, id. Rows: at most one.
SELECT shard, kind, owner, id, version, content FROM record
WHERE shard = ?1 AND kind = ?2 AND owner = ?3 AND id = ?4
