-- Allocations and runs: what stands beside their operations.
CREATE TABLE allocation (
    shard       INTEGER NOT NULL,
    id          BLOB     NOT NULL,
    terms       INTEGER NOT NULL CHECK (terms IN (1, 2)),
    reason      TEXT     NOT NULL CHECK (reason <> ''),
    asked_minor INTEGER   NOT NULL CHECK (asked_minor >= 0),
    is_top_up   INTEGER NOT NULL,
    net_minor      INTEGER,
    vat_minor      INTEGER,
    discount_minor INTEGER,
    residue_minor  INTEGER,
    catalogue      INTEGER,
    run         BLOB,
    line        INTEGER,
    PRIMARY KEY (shard, id)
) STRICT, WITHOUT ROWID;
-- A line is carried out once, whatever becomes of keys.
CREATE UNIQUE INDEX allocation_run_line ON allocation (shard, run, line) WHERE run IS NOT NULL;

CREATE TABLE allocation_run (
    shard        INTEGER NOT NULL,
    id           BLOB     NOT NULL,
    terms        INTEGER NOT NULL CHECK (terms IN (1, 2)),
    reason       TEXT     NOT NULL CHECK (reason <> ''),
    started_by   BLOB     NOT NULL,
    request      BLOB    NOT NULL CHECK (length(request) = 32),
    lines        INTEGER   NOT NULL CHECK (lines >= 0),
    lines_digest BLOB    NOT NULL CHECK (length(lines_digest) = 32),
    done         INTEGER,
    refused      INTEGER,
    amount_minor INTEGER,
    PRIMARY KEY (shard, id),
    CHECK (done + refused = lines)
) STRICT, WITHOUT ROWID;
CREATE INDEX allocation_run_running ON allocation_run (id) WHERE done IS NULL;

-- What was asked of a run, line by line. Rows are written with the run and never change.
CREATE TABLE run_line (
    shard       INTEGER NOT NULL,
    run         BLOB     NOT NULL,
    number      INTEGER   NOT NULL CHECK (number > 0),
    reseller    BLOB,
    code        TEXT,
    asked_minor INTEGER   NOT NULL CHECK (asked_minor >= 0),
    is_top_up   INTEGER NOT NULL,
    PRIMARY KEY (shard, run, number)
) STRICT, WITHOUT ROWID;

INSERT INTO code (domain, number, name) VALUES
    ('kind', 35, 'allocation_run'),
    ('status', 35, 'running'),
    ('status', 36, 'completed_with_refusals'),
    ('entry', 44, 'stock.allocation_not_needed'),
    ('entry', 45, 'allocation_run.started'),
    ('entry', 46, 'allocation_run.finished');
