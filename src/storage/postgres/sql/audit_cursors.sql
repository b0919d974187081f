-- How far a reader of the log has come in each shard.
-- Parameters: subscriber. Rows: cursors by shard.
SELECT shard, sequence FROM log_cursor WHERE subscriber = $1 ORDER BY shard
