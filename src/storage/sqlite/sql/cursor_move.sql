-- Moves the cursor of a reader of the log.
-- Parameters: subscriber, shard, sequence. Rows: none.
UPDATE log_cursor SET sequence = ?3 WHERE subscriber = ?1 AND shard = ?2
