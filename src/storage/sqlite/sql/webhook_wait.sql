-- An event waits, or waits longer.
-- Parameters: endpoint, shard, sequence, kind of entry, subject, recorded at, failed attempts, first at, due at. Rows: none.
INSERT INTO webhook_waiting (endpoint, shard, sequence, entry_kind, subject, recorded_at, failed, first_at, due_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (endpoint, shard, sequence) DO UPDATE
SET failed = excluded.failed, first_at = excluded.first_at, due_at = excluded.due_at
