-- Notifications that fit no top-up, the oldest first.
-- Parameters: limit. Rows: notifications.
SELECT acquirer, key, received_at, times, kind, order_id, reference, amount_minor, currency, digest, outcome
FROM acquirer_notification
WHERE outcome NOT IN ('applied', 'no_change')
ORDER BY received_at, acquirer, key
LIMIT ?1
