-- Locks the shards of a batch and reads their heads.
-- Parameters: shards. Rows: one head per shard that exists, ascending.
-- A statement of its own: what is read later must see what the lock waited for. Ascending, so that posters
-- whose batches share shards wait for each other instead of deadlocking.
SELECT shard, version, sequence, frontier, recorded_at, next_account
FROM shard
WHERE shard = ANY ($1)
ORDER BY shard
FOR UPDATE
