-- What acquirers told by themselves, each genuine notification once however often it came, with what became of it. What
-- fits no top-up is kept for matching. The body itself is not: it may say more of the customer than we want to know.
CREATE TABLE acquirer_notification (
    acquirer     text     NOT NULL,
    key          text     NOT NULL,
    received_at  bigint   NOT NULL,
    repeated_at  bigint   NOT NULL,
    times        bigint   NOT NULL,
    kind         text     NOT NULL,
    order_id     text,
    reference    text,
    amount_minor bigint,
    currency     text,
    digest       bytea    NOT NULL,
    outcome      text     NOT NULL,
    PRIMARY KEY (acquirer, key)
);
CREATE INDEX acquirer_notification_kept ON acquirer_notification (received_at, acquirer, key)
    WHERE outcome NOT IN ('applied', 'no_change');
