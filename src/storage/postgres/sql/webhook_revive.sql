-- What waits for an endpoint is due now, as if it had never been tried.
-- Parameters: endpoint, now. Rows: none.
UPDATE webhook_waiting SET failed = 0, first_at = $2, due_at = $2 WHERE endpoint = $1
