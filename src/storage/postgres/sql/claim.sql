-- Claims idempotency keys for operations.
-- Parameters: shards, keys and operations, pairwise. Rows: what was claimed now; the others were taken before.
-- Insert first and look up only what was taken: replays are rare.
INSERT INTO claim (shard, key, operation)
SELECT shard, key, operation FROM unnest($1::smallint[], $2::bytea[], $3::uuid[]) AS wanted (shard, key, operation)
ON CONFLICT (shard, key) DO NOTHING
RETURNING shard, key
