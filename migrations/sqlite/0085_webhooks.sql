-- What is kept about sending events to partners' endpoints. The endpoints are records, what they are sent is the log,
-- and how far they have come stands in log_cursor, under their ids. Secrets are not stored.

-- How each endpoint does, and which node works for it.
CREATE TABLE webhook_health (
    endpoint       BLOB PRIMARY KEY,
    failures       INTEGER NOT NULL DEFAULT 0,
    failing_since  INTEGER,
    last_failed_at INTEGER,
    node           BLOB,
    leased_until   INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Events behind the cursor that are not delivered yet: they failed, or wait behind one of the same subject.
CREATE TABLE webhook_waiting (
    endpoint    BLOB NOT NULL,
    shard       INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    entry_kind  INTEGER NOT NULL,
    subject     BLOB NOT NULL,
    recorded_at INTEGER NOT NULL,
    failed      INTEGER NOT NULL,
    first_at    INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    PRIMARY KEY (endpoint, shard, sequence)
) STRICT, WITHOUT ROWID;

-- The delivery log: every attempt, for some time.
CREATE TABLE webhook_attempt (
    endpoint    BLOB NOT NULL,
    at          INTEGER NOT NULL,
    shard       INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    entry_kind  INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    outcome     TEXT NOT NULL,
    status      INTEGER,
    failure     TEXT,
    duration_ms INTEGER NOT NULL,
    next_at     INTEGER,
    PRIMARY KEY (endpoint, at, shard, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_attempt_at ON webhook_attempt (at);

INSERT INTO code (domain, number, name) VALUES
    ('entry', 150, 'webhook.disabled'),
    ('record', 150, 'webhook_endpoint');
