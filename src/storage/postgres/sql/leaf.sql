-- The stored leaf of an entry, read under the shard's lock to resolve an unknown commit.
-- Parameters: shard, sequence. Rows: at most one.
SELECT leaf FROM entry WHERE shard = $1 AND sequence = $2
