-- Settlement files of acquirers: a record says how far a file is booked and what it came to; these are its lines. All
-- stand in the operator's shard. A key stands at the line that was posted for its reference; paid is the top-up whose
-- payment the line settles.
CREATE TABLE settlement_line (
    shard       INTEGER  NOT NULL,
    file        BLOB    NOT NULL,
    number      INTEGER  NOT NULL,
    acquirer    TEXT    NOT NULL,
    reference   TEXT    NOT NULL,
    kind        INTEGER  NOT NULL,
    state       INTEGER  NOT NULL,
    operation   BLOB,
    gross_minor INTEGER  NOT NULL,
    fee_minor   INTEGER  NOT NULL,
    settled_on  INTEGER NOT NULL,
    posted      INTEGER NOT NULL,
    key         BLOB,
    paid        BLOB,
    PRIMARY KEY (shard, file, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX settlement_line_key ON settlement_line (shard, key) WHERE key IS NOT NULL;
CREATE UNIQUE INDEX settlement_line_paid ON settlement_line (shard, paid) WHERE paid IS NOT NULL;
CREATE INDEX settlement_line_open ON settlement_line (shard, settled_on, file, number) WHERE state <> 1;

INSERT INTO code (domain, number, name) VALUES
    ('class', 94, 'acquirer_settled'),
    ('class', 95, 'acquirer_fees'),
    ('entry', 105, 'settlement.booked'),
    ('entry', 106, 'settlement.posted'),
    ('record', 105, 'settlement_file');
