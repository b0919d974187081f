-- A page of the delivery log of an endpoint, newest first.
-- Parameters: endpoint, then time, shard and sequence of the attempt before the page, limit. Rows: attempts.
SELECT at, shard, sequence, entry_kind, recorded_at, number, outcome, status, failure, duration_ms, next_at
FROM webhook_attempt
WHERE endpoint = ?1 AND (at, shard, sequence) < (?2, ?3, ?4)
ORDER BY at DESC, shard DESC, sequence DESC
LIMIT ?5
