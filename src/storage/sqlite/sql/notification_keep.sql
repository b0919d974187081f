-- Keeps a notification of an acquirer. One that came before is counted, and what became of it now stands.
-- Parameters: acquirer, key, received at, kind, order, reference, amount, currency, digest of the body, outcome.
-- Rows: none.
INSERT INTO acquirer_notification
    (acquirer, key, received_at, repeated_at, times, kind, order_id, reference, amount_minor, currency, digest, outcome)
VALUES (?1, ?2, ?3, ?3, 1, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (acquirer, key) DO UPDATE
SET times = acquirer_notification.times + 1,
    repeated_at = excluded.repeated_at,
    -- That it changed nothing more does not undo that it did.
    outcome = CASE
        WHEN excluded.outcome = 'no_change' AND acquirer_notification.outcome = 'applied' THEN 'applied'
        ELSE excluded.outcome
    END
