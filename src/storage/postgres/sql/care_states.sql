-- The entries that left a state of some top-ups, refunds or reversals.
-- Parameters: shard, ids. Rows: sequences, ascending, by the primary key.
SELECT sequence FROM topup_state WHERE shard = $1 AND id = ANY ($2) ORDER BY sequence
