-- The heads of all shards, ascending.
-- Rows: heads.
SELECT shard, version, sequence, frontier, recorded_at, next_account FROM shard ORDER BY shard
