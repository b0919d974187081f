-- The books. Ledger tables carry the shard first in every key, so that the schema can be distributed by it.
-- Amounts are minor units; times are milliseconds since 1970 UTC; days are days since 1970.
-- Numbers for kind, class, asset, status and channel are explained in the table "code".

CREATE TABLE code (
    domain TEXT     NOT NULL,
    number INTEGER NOT NULL,
    name   TEXT     NOT NULL,
    PRIMARY KEY (domain, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE installation (
    only_row    INTEGER  PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
    shards      INTEGER NOT NULL CHECK (shards BETWEEN 1 AND 256),
    currency    TEXT     NOT NULL,
    created_at  INTEGER   NOT NULL
) STRICT;

-- The row of a shard is its lock, its version and the head of its log. It is rewritten by every batch.
CREATE TABLE shard (
    shard        INTEGER PRIMARY KEY,
    version      INTEGER   NOT NULL,
    sequence     INTEGER   NOT NULL,
    frontier     BLOB    NOT NULL,
    recorded_at  INTEGER   NOT NULL,
    next_account INTEGER   NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    shard              INTEGER NOT NULL,
    number             INTEGER   NOT NULL,
    class              INTEGER NOT NULL,
    owner              BLOB,
    posted             INTEGER   NOT NULL,
    held               INTEGER   NOT NULL CHECK (held >= 0),
    credit_limit       INTEGER   NOT NULL CHECK (credit_limit >= 0),
    usage_day          INTEGER  NOT NULL,
    usage_count        INTEGER   NOT NULL,
    usage_amount_minor INTEGER   NOT NULL,
    PRIMARY KEY (shard, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX account_owner ON account (shard, owner, class) WHERE owner IS NOT NULL;

-- What decisions read of a reseller; its name and place are in the registry.
CREATE TABLE reseller_state (
    shard               INTEGER NOT NULL,
    reseller            BLOB     NOT NULL,
    stock_account       INTEGER   NOT NULL,
    standing            TEXT     NOT NULL CHECK (standing IN ('active', 'suspended', 'closed')),
    per_operation_minor INTEGER CHECK (per_operation_minor >= 0),
    per_day_count       INTEGER CHECK (per_day_count >= 0),
    per_day_minor       INTEGER CHECK (per_day_minor >= 0),
    PRIMARY KEY (shard, reseller)
) STRICT, WITHOUT ROWID;

CREATE TABLE operation (
    shard              INTEGER NOT NULL,
    id                 BLOB     NOT NULL,
    kind               INTEGER NOT NULL,
    partner            BLOB     NOT NULL,
    reseller           BLOB     NOT NULL,
    external_id        TEXT     NOT NULL,
    amount_minor       INTEGER   NOT NULL CHECK (amount_minor >= 0),
    status             INTEGER NOT NULL,
    decline            TEXT,
    balance_after      INTEGER,
    created_at         INTEGER   NOT NULL,
    updated_at         INTEGER   NOT NULL,
    last_sequence      INTEGER   NOT NULL,
    counterparty       BLOB,
    msisdn             INTEGER,
    msisdn_salt        BLOB,
    product            TEXT,
    channel            INTEGER,
    terminal           TEXT,
    allow_repeat       INTEGER,
    charging_reference INTEGER,
    submit_by          INTEGER,
    PRIMARY KEY (shard, id)
) STRICT, WITHOUT ROWID;
-- Partial, so that it cannot be mistaken for the primary key: a statement about (shard, id), planned while the
-- table was empty, might otherwise walk the whole shard here.
CREATE INDEX operation_reseller ON operation (shard, reseller, id) WHERE kind = 1;
CREATE INDEX operation_msisdn ON operation (shard, msisdn, id) WHERE msisdn IS NOT NULL;

-- Idempotency keys: a truncated SHA-256 over (partner, reseller, external_id).
CREATE TABLE claim (
    shard     INTEGER NOT NULL,
    key       BLOB    NOT NULL CHECK (length(key) = 16),
    operation BLOB     NOT NULL,
    PRIMARY KEY (shard, key)
) STRICT, WITHOUT ROWID;

-- Open holds only. Every operation without an outcome has one.
CREATE TABLE hold (
    shard        INTEGER NOT NULL,
    operation    BLOB     NOT NULL,
    account      INTEGER   NOT NULL,
    amount_minor INTEGER   NOT NULL CHECK (amount_minor > 0),
    placed_at    INTEGER   NOT NULL,
    due_at       INTEGER   NOT NULL,
    PRIMARY KEY (shard, operation)
) STRICT, WITHOUT ROWID;

-- The journal, append-only. The leaf is the entry's hash in the shard's Merkle log (RFC 6962).
CREATE TABLE entry (
    shard       INTEGER NOT NULL,
    sequence    INTEGER   NOT NULL CHECK (sequence > 0),
    kind        INTEGER NOT NULL,
    subject     BLOB     NOT NULL,
    digest      BLOB    NOT NULL CHECK (length(digest) = 32),
    actor       TEXT     NOT NULL,
    recorded_at INTEGER   NOT NULL,
    leaf        BLOB    NOT NULL CHECK (length(leaf) = 32),
    PRIMARY KEY (shard, sequence)
) STRICT, WITHOUT ROWID;

-- One debit and one credit of one asset: an unbalanced journal cannot be written.
CREATE TABLE posting (
    shard        INTEGER NOT NULL,
    sequence     INTEGER   NOT NULL,
    line         INTEGER NOT NULL,
    debit        INTEGER   NOT NULL,
    credit       INTEGER   NOT NULL,
    asset        INTEGER NOT NULL,
    amount_minor INTEGER   NOT NULL CHECK (amount_minor > 0),
    debit_after  INTEGER   NOT NULL,
    credit_after INTEGER   NOT NULL,
    CHECK (debit <> credit),
    PRIMARY KEY (shard, sequence, line)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER entry_refuses_update BEFORE UPDATE ON entry BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: corrections are new entries');
END;
CREATE TRIGGER entry_refuses_delete BEFORE DELETE ON entry BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: corrections are new entries');
END;
CREATE TRIGGER posting_refuses_update BEFORE UPDATE ON posting BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: corrections are new entries');
END;
CREATE TRIGGER posting_refuses_delete BEFORE DELETE ON posting BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: corrections are new entries');
END;
