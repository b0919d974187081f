-- The last journal entry of a shard.
-- Parameter: shard. Rows: one, with its sequence.
SELECT sequence FROM shard WHERE shard = ?1
