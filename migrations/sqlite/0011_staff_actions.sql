-- What people did to configuration and network: one row beside the journal entry that carried it out, and part of
-- that entry's leaf. Append-only. "via" is explained in the table "code"; the reseller is zeros when none is concerned.
CREATE TABLE staff_action (
    shard       INTEGER NOT NULL,
    sequence    INTEGER NOT NULL CHECK (sequence > 0),
    recorded_at INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    subject     BLOB    NOT NULL,
    actor       TEXT    NOT NULL,
    via         INTEGER NOT NULL,
    address     TEXT,
    request     TEXT,
    reason      TEXT,
    reseller    BLOB    NOT NULL,
    before_json TEXT,
    after_json  TEXT    NOT NULL,
    PRIMARY KEY (shard, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX staff_action_time ON staff_action (recorded_at, shard, sequence);

CREATE TRIGGER staff_action_refuses_update BEFORE UPDATE ON staff_action BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: corrections are new entries');
END;
CREATE TRIGGER staff_action_refuses_delete BEFORE DELETE ON staff_action BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: corrections are new entries');
END;

INSERT INTO code (domain, number, name) VALUES
    ('via', 1, 'api'),
    ('via', 2, 'command_line');
