-- Claims of before, with their operations.
-- Parameters: shards and keys, pairwise. Rows: the claims, by the primary key.
SELECT c.shard, c.key, c.operation
FROM unnest($1::smallint[], $2::bytea[]) AS wanted (shard, key)
JOIN claim c ON c.shard = wanted.shard AND c.key = wanted.key
