-- What people did to configuration and network: one row beside the journal entry that carried it out, and part of
-- that entry's leaf. Append-only. "via" is explained in the table "code"; the reseller is zeros when none is concerned.
CREATE TABLE staff_action (
    shard       smallint NOT NULL,
    sequence    bigint   NOT NULL CHECK (sequence > 0),
    recorded_at bigint   NOT NULL,
    kind        smallint NOT NULL,
    subject     uuid     NOT NULL,
    actor       text     NOT NULL,
    via         smallint NOT NULL,
    address     text,
    request     text,
    reason      text,
    reseller    uuid     NOT NULL,
    before_json text,
    after_json  text     NOT NULL,
    PRIMARY KEY (shard, sequence)
);
CREATE INDEX staff_action_time ON staff_action (recorded_at, shard, sequence);

CREATE TRIGGER staff_action_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON staff_action
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_journal();
REVOKE UPDATE, DELETE, TRUNCATE ON staff_action FROM PUBLIC;

INSERT INTO code (domain, number, name) VALUES
    ('via', 1, 'api'),
    ('via', 2, 'command_line');
