-- Notes an attempt to deliver an event.
-- Parameters: endpoint, at, shard, sequence, kind of entry, recorded at, number, outcome, status, failure, duration,
-- next at. Rows: none.
INSERT INTO webhook_attempt
    (endpoint, at, shard, sequence, entry_kind, recorded_at, number, outcome, status, failure, duration_ms, next_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT DO NOTHING
