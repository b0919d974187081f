-- Events of an endpoint that wait.
-- Parameters: endpoint, limit. Rows: by shard and sequence.
SELECT shard, sequence, entry_kind, subject, recorded_at, failed, first_at, due_at FROM webhook_waiting
WHERE endpoint = ?1
ORDER BY shard, sequence
LIMIT ?2
