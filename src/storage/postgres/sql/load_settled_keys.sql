-- Which references were posted before.
-- Parameters: shard, keys. Rows: those of the keys that are there, by the index settlement_line_key alone.
SELECT key FROM settlement_line WHERE shard = $1 AND key = ANY ($2::bytea[])
