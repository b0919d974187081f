-- What waits for an endpoint is due now.
-- Parameters: endpoint, now. Rows: none.
UPDATE webhook_waiting SET due_at = $2 WHERE endpoint = $1 AND due_at > $2
