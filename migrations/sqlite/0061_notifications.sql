-- What acquirers told by themselves, each genuine notification once however often it came, with what became of it. What
-- fits no top-up is kept for matching. The body itself is not: it may say more of the customer than we want to know.
CREATE TABLE acquirer_notification (
    acquirer     TEXT    NOT NULL,
    key          TEXT    NOT NULL,
    received_at  INTEGER NOT NULL,
    repeated_at  INTEGER NOT NULL,
    times        INTEGER NOT NULL,
    kind         TEXT    NOT NULL,
    order_id     TEXT,
    reference    TEXT,
    amount_minor INTEGER,
    currency     TEXT,
    digest       BLOB    NOT NULL,
    outcome      TEXT    NOT NULL,
    PRIMARY KEY (acquirer, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX acquirer_notification_kept ON acquirer_notification (received_at, acquirer, key)
    WHERE outcome NOT IN ('applied', 'no_change');
