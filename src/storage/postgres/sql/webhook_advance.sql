-- Moves the cursor of a reader of the log, if it stands where the reader found it.
-- Parameters: subscriber, shard, from, to. Rows: none; none affected when it moved meanwhile.
UPDATE log_cursor SET sequence = $4 WHERE subscriber = $1 AND shard = $2 AND sequence = $3
