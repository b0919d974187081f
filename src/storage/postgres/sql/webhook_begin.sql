-- Gives a reader of the log a cursor, unless it has one.
-- Parameters: subscriber, shard, sequence. Rows: none.
INSERT INTO log_cursor (subscriber, shard, sequence) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
