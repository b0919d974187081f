-- Takes the cursor of a reader of the log back.
-- Parameters: subscriber, shard, sequence. Rows: none.
UPDATE log_cursor SET sequence = $3 WHERE subscriber = $1 AND shard = $2 AND sequence > $3
