-- Gives a reader of the log a cursor at its beginning, unless it has one.
-- Parameters: subscriber, shard. Rows: none.
INSERT INTO log_cursor (subscriber, shard, sequence) VALUES (?1, ?2, 0) ON CONFLICT DO NOTHING
