-- How an endpoint does.
-- Parameters: endpoint. Rows: at most one.
SELECT failures, failing_since, last_failed_at FROM webhook_health WHERE endpoint = ?1
