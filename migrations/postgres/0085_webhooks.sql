-- What is kept about sending events to partners' endpoints. The endpoints are records, what they are sent is the log,
-- and how far they have come stands in log_cursor, under their ids. Secrets are not stored.

-- How each endpoint does, and which node works for it.
CREATE TABLE webhook_health (
    endpoint       uuid PRIMARY KEY,
    failures       bigint NOT NULL DEFAULT 0,
    failing_since  bigint,
    last_failed_at bigint,
    node           uuid,
    leased_until   bigint NOT NULL DEFAULT 0
);

-- Events behind the cursor that are not delivered yet: they failed, or wait behind one of the same subject.
CREATE TABLE webhook_waiting (
    endpoint    uuid NOT NULL,
    shard       smallint NOT NULL,
    sequence    bigint NOT NULL,
    entry_kind  smallint NOT NULL,
    subject     uuid NOT NULL,
    recorded_at bigint NOT NULL,
    failed      integer NOT NULL,
    first_at    bigint NOT NULL,
    due_at      bigint NOT NULL,
    PRIMARY KEY (endpoint, shard, sequence)
);

-- The delivery log: every attempt, for some time.
CREATE TABLE webhook_attempt (
    endpoint    uuid NOT NULL,
    at          bigint NOT NULL,
    shard       smallint NOT NULL,
    sequence    bigint NOT NULL,
    entry_kind  smallint NOT NULL,
    recorded_at bigint NOT NULL,
    number      integer NOT NULL,
    outcome     text NOT NULL,
    status      smallint,
    failure     text,
    duration_ms bigint NOT NULL,
    next_at     bigint,
    PRIMARY KEY (endpoint, at, shard, sequence)
);
CREATE INDEX webhook_attempt_at ON webhook_attempt (at);

INSERT INTO code (domain, number, name) VALUES
    ('entry', 150, 'webhook.disabled'),
    ('record', 150, 'webhook_endpoint');
