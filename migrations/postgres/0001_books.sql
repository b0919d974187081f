-- The books. Ledger tables carry the shard first in every key, so that the schema can be distributed by it.
-- Amounts are minor units; times are milliseconds since 1970 UTC; days are days since 1970.
-- Numbers for kind, class, asset, status and channel are explained in the table "code".

CREATE TABLE code (
    domain text     NOT NULL,
    number smallint NOT NULL,
    name   text     NOT NULL,
    PRIMARY KEY (domain, number)
);

CREATE TABLE installation (
    only_row    boolean  PRIMARY KEY DEFAULT true CHECK (only_row),
    shards      smallint NOT NULL CHECK (shards BETWEEN 1 AND 256),
    currency    text     NOT NULL,
    created_at  bigint   NOT NULL
);

-- The row of a shard is its lock, its version and the head of its log. It is rewritten by every batch.
CREATE TABLE shard (
    shard        smallint PRIMARY KEY,
    version      bigint   NOT NULL,
    sequence     bigint   NOT NULL,
    frontier     bytea    NOT NULL,
    recorded_at  bigint   NOT NULL,
    next_account bigint   NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE account (
    shard              smallint NOT NULL,
    number             bigint   NOT NULL,
    class              smallint NOT NULL,
    owner              uuid,
    posted             bigint   NOT NULL,
    held               bigint   NOT NULL CHECK (held >= 0),
    credit_limit       bigint   NOT NULL CHECK (credit_limit >= 0),
    usage_day          integer  NOT NULL,
    usage_count        bigint   NOT NULL,
    usage_amount_minor bigint   NOT NULL,
    PRIMARY KEY (shard, number)
) WITH (fillfactor = 50);
CREATE INDEX account_owner ON account (shard, owner, class) WHERE owner IS NOT NULL;

-- What decisions read of a reseller; its name and place are in the registry.
CREATE TABLE reseller_state (
    shard               smallint NOT NULL,
    reseller            uuid     NOT NULL,
    stock_account       bigint   NOT NULL,
    standing            text     NOT NULL CHECK (standing IN ('active', 'suspended', 'closed')),
    per_operation_minor bigint CHECK (per_operation_minor >= 0),
    per_day_count       bigint CHECK (per_day_count >= 0),
    per_day_minor       bigint CHECK (per_day_minor >= 0),
    PRIMARY KEY (shard, reseller)
);

-- No index names a column that a settlement changes, and pages are filled by half, so that the update, which comes
-- moments after the insert, stays within its page and touches no index.
CREATE TABLE operation (
    shard              smallint NOT NULL,
    id                 uuid     NOT NULL,
    kind               smallint NOT NULL,
    partner            uuid     NOT NULL,
    reseller           uuid     NOT NULL,
    external_id        text     NOT NULL,
    amount_minor       bigint   NOT NULL CHECK (amount_minor >= 0),
    status             smallint NOT NULL,
    decline            text,
    balance_after      bigint,
    created_at         bigint   NOT NULL,
    updated_at         bigint   NOT NULL,
    last_sequence      bigint   NOT NULL,
    counterparty       uuid,
    msisdn             bigint,
    msisdn_salt        bytea,
    product            text,
    channel            smallint,
    terminal           text,
    allow_repeat       boolean,
    charging_reference bigint,
    submit_by          bigint,
    PRIMARY KEY (shard, id)
) WITH (fillfactor = 50);
-- Partial, so that it cannot be mistaken for the primary key: a statement about (shard, id), planned while the
-- table was empty, might otherwise walk the whole shard here.
CREATE INDEX operation_reseller ON operation (shard, reseller, id) WHERE kind = 1;
CREATE INDEX operation_msisdn ON operation (shard, msisdn, id) WHERE msisdn IS NOT NULL;

-- Idempotency keys: a truncated SHA-256 over (partner, reseller, external_id).
CREATE TABLE claim (
    shard     smallint NOT NULL,
    key       bytea    NOT NULL CHECK (octet_length(key) = 16),
    operation uuid     NOT NULL,
    PRIMARY KEY (shard, key)
);

-- Open holds only. Every operation without an outcome has one. It stays small, but every recharge passes through it:
-- the rows of the past are cleared away often.
CREATE TABLE hold (
    shard        smallint NOT NULL,
    operation    uuid     NOT NULL,
    account      bigint   NOT NULL,
    amount_minor bigint   NOT NULL CHECK (amount_minor > 0),
    placed_at    bigint   NOT NULL,
    due_at       bigint   NOT NULL,
    PRIMARY KEY (shard, operation)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- The journal, append-only. The leaf is the entry's hash in the shard's Merkle log (RFC 6962).
CREATE TABLE entry (
    shard       smallint NOT NULL,
    sequence    bigint   NOT NULL CHECK (sequence > 0),
    kind        smallint NOT NULL,
    subject     uuid     NOT NULL,
    digest      bytea    NOT NULL CHECK (octet_length(digest) = 32),
    actor       text     NOT NULL,
    recorded_at bigint   NOT NULL,
    leaf        bytea    NOT NULL CHECK (octet_length(leaf) = 32),
    PRIMARY KEY (shard, sequence)
);

-- One debit and one credit of one asset: an unbalanced journal cannot be written.
CREATE TABLE posting (
    shard        smallint NOT NULL,
    sequence     bigint   NOT NULL,
    line         smallint NOT NULL,
    debit        bigint   NOT NULL,
    credit       bigint   NOT NULL,
    asset        smallint NOT NULL,
    amount_minor bigint   NOT NULL CHECK (amount_minor > 0),
    debit_after  bigint   NOT NULL,
    credit_after bigint   NOT NULL,
    CHECK (debit <> credit),
    PRIMARY KEY (shard, sequence, line)
);

CREATE FUNCTION refuse_change_of_journal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal is append-only: corrections are new entries';
END $$;

CREATE TRIGGER entry_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_journal();
CREATE TRIGGER posting_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON posting
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_journal();
REVOKE UPDATE, DELETE, TRUNCATE ON entry, posting FROM PUBLIC;
