-- A page of one acquirer's notifications that fit no top-up, newest first.
-- Parameters: acquirer, time and key of the last one of the page before, limit. Rows: notifications.
-- The literal outcomes are the condition of the index acquirer_notification_kept_of.
SELECT acquirer, key, received_at, times, kind, order_id, reference, amount_minor, currency, digest, outcome
FROM acquirer_notification
WHERE acquirer = ?1 AND (received_at, key) < (?2, ?3) AND outcome NOT IN ('applied', 'no_change')
ORDER BY received_at DESC, key DESC
LIMIT ?4
