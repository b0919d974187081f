-- Allocations and runs: what stands beside their operations.
CREATE TABLE allocation (
    shard       smallint NOT NULL,
    id          uuid     NOT NULL,
    terms       smallint NOT NULL CHECK (terms IN (1, 2)),
    reason      text     NOT NULL CHECK (reason <> ''),
    asked_minor bigint   NOT NULL CHECK (asked_minor >= 0),
    is_top_up   boolean  NOT NULL,
    net_minor      bigint,
    vat_minor      bigint,
    discount_minor bigint,
    residue_minor  bigint,
    catalogue      bigint,
    run         uuid,
    line        bigint,
    PRIMARY KEY (shard, id)
);
-- A line is carried out once, whatever becomes of keys.
CREATE UNIQUE INDEX allocation_run_line ON allocation (shard, run, line) WHERE run IS NOT NULL;

CREATE TABLE allocation_run (
    shard        smallint NOT NULL,
    id           uuid     NOT NULL,
    terms        smallint NOT NULL CHECK (terms IN (1, 2)),
    reason       text     NOT NULL CHECK (reason <> ''),
    started_by   uuid     NOT NULL,
    request      bytea    NOT NULL CHECK (octet_length(request) = 32),
    lines        bigint   NOT NULL CHECK (lines >= 0),
    lines_digest bytea    NOT NULL CHECK (octet_length(lines_digest) = 32),
    done         bigint,
    refused      bigint,
    amount_minor bigint,
    PRIMARY KEY (shard, id),
    CHECK (done + refused = lines)
);
CREATE INDEX allocation_run_running ON allocation_run (id) WHERE done IS NULL;

-- What was asked of a run, line by line. Rows are written with the run and never change.
CREATE TABLE run_line (
    shard       smallint NOT NULL,
    run         uuid     NOT NULL,
    number      bigint   NOT NULL CHECK (number > 0),
    reseller    uuid,
    code        text,
    asked_minor bigint   NOT NULL CHECK (asked_minor >= 0),
    is_top_up   boolean  NOT NULL,
    PRIMARY KEY (shard, run, number)
);

INSERT INTO code (domain, number, name) VALUES
    ('kind', 35, 'allocation_run'),
    ('status', 35, 'running'),
    ('status', 36, 'completed_with_refusals'),
    ('entry', 44, 'stock.allocation_not_needed'),
    ('entry', 45, 'allocation_run.started'),
    ('entry', 46, 'allocation_run.finished');
