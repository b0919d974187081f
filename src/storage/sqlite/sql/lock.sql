-- Reads the heads of the shards of a batch. The transaction began with BEGIN IMMEDIATE: it is the one writer.
-- Parameters: shards as a JSON array. Rows: one head per shard that exists, ascending.
SELECT shard, version, sequence, frontier, recorded_at, next_account
FROM shard
WHERE shard IN (SELECT value FROM json_each(?1))
ORDER BY shard
