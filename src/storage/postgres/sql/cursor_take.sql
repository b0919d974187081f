-- Takes the cursor of a reader of the log, unless another node has it.
-- Parameters: subscriber, shard. Rows: at most one.
SELECT sequence FROM log_cursor WHERE subscriber = $1 AND shard = $2 FOR UPDATE SKIP LOCKED
