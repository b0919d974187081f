-- Notes how an endpoint does.
-- Parameters: endpoint, failures, the first of them, the last. Rows: none.
INSERT INTO webhook_health (endpoint, failures, failing_since, last_failed_at) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (endpoint) DO UPDATE
SET failures = excluded.failures, failing_since = excluded.failing_since, last_failed_at = excluded.last_failed_at
