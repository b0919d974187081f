-- Where a shard's log stands, and how far the movements of its accounts are written out of it.
-- Parameters: shard, subscriber. Rows: at most one.
SELECT s.sequence, s.recorded_at, COALESCE((
    SELECT c.sequence FROM log_cursor c WHERE c.subscriber = ?2 AND c.shard = ?1
), 0) AS written
FROM shard s
WHERE s.shard = ?1
