-- The cursor of a reader of the log. The transaction has the one writer.
-- Parameters: subscriber, shard. Rows: at most one.
SELECT sequence FROM log_cursor WHERE subscriber = ?1 AND shard = ?2
