-- What was received about recharges in doubt, and what the ledger made of it: one row beside the journal entry that
-- recorded it, and part of that entry's leaf. Append-only. "kind" and "effect" are explained in the table "code".
CREATE TABLE evidence (
    shard       smallint NOT NULL,
    operation   uuid     NOT NULL,
    sequence    bigint   NOT NULL CHECK (sequence > 0),
    kind        smallint NOT NULL,
    system      text     NOT NULL,
    reference   bigint   NOT NULL,
    says        text     NOT NULL,
    decline     text,
    observed_at bigint   NOT NULL,
    excerpt     text     NOT NULL,
    effect      smallint NOT NULL,
    submit_by   bigint   NOT NULL,
    promised_at bigint   NOT NULL,
    PRIMARY KEY (shard, operation, sequence)
);
CREATE UNIQUE INDEX evidence_entry ON evidence (shard, sequence);
-- Effect 3: contradicts.
CREATE INDEX evidence_contradicts ON evidence (shard, sequence) WHERE effect = 3;

CREATE TRIGGER evidence_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_journal();
REVOKE UPDATE, DELETE, TRUNCATE ON evidence FROM PUBLIC;

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
