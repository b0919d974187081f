-- Deletes the movements of a shard, to be written again in the same transaction.
-- Parameters: shard. Rows: none.
DELETE FROM account_movement WHERE shard = ?1
