-- What was received about recharges in doubt, and what the ledger made of it: one row beside the journal entry that
-- recorded it, and part of that entry's leaf. Append-only. "kind" and "effect" are explained in the table "code".
CREATE TABLE evidence (
    shard       INTEGER NOT NULL,
    operation   BLOB    NOT NULL,
    sequence    INTEGER NOT NULL CHECK (sequence > 0),
    kind        INTEGER NOT NULL,
    system      TEXT    NOT NULL,
    reference   INTEGER NOT NULL,
    says        TEXT    NOT NULL,
    decline     TEXT,
    observed_at INTEGER NOT NULL,
    excerpt     TEXT    NOT NULL,
    effect      INTEGER NOT NULL,
    submit_by   INTEGER NOT NULL,
    promised_at INTEGER NOT NULL,
    PRIMARY KEY (shard, operation, sequence)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX evidence_entry ON evidence (shard, sequence);
-- Effect 3: contradicts.
CREATE INDEX evidence_contradicts ON evidence (shard, sequence) WHERE effect = 3;

CREATE TRIGGER evidence_refuses_update BEFORE UPDATE ON evidence BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: corrections are new entries');
END;
CREATE TRIGGER evidence_refuses_delete BEFORE DELETE ON evidence BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: corrections are new entries');
END;

INSERT INTO code (domain, number, name) VALUES
    ('evidence', 1, 'late_answer'),
    ('evidence', 2, 'inquiry'),
    ('evidence', 3, 'event'),
    ('evidence', 4, 'daily_record'),
    ('evidence', 5, 'statement'),
    ('effect', 1, 'nothing'),
    ('effect', 2, 'decided'),
    ('effect', 3, 'contradicts'),
    ('entry', 126, 'recharge.evidence_recorded'),
    ('entry', 127, 'recharge.evidence_contradicts');
