-- Settlement files of acquirers: a record says how far a file is booked and what it came to; these are its lines. All
-- stand in the operator's shard. A key stands at the line that was posted for its reference; paid is the top-up whose
-- payment the line settles.
CREATE TABLE settlement_line (
    shard       smallint NOT NULL,
    file        uuid     NOT NULL,
    number      bigint   NOT NULL,
    acquirer    text     NOT NULL,
    reference   text     NOT NULL,
    kind        smallint NOT NULL,
    state       smallint NOT NULL,
    operation   uuid,
    gross_minor bigint   NOT NULL,
    fee_minor   bigint   NOT NULL,
    settled_on  integer  NOT NULL,
    posted      boolean  NOT NULL,
    key         bytea,
    paid        uuid,
    PRIMARY KEY (shard, file, number)
);
CREATE UNIQUE INDEX settlement_line_key ON settlement_line (shard, key) WHERE key IS NOT NULL;
CREATE UNIQUE INDEX settlement_line_paid ON settlement_line (shard, paid) WHERE paid IS NOT NULL;
CREATE INDEX settlement_line_open ON settlement_line (shard, settled_on, file, number) WHERE state <> 1;

INSERT INTO code (domain, number, name) VALUES
    ('class', 94, 'acquirer_settled'),
    ('class', 95, 'acquirer_fees'),
    ('entry', 105, 'settlement.booked'),
    ('entry', 106, 'settlement.posted'),
    ('record', 105, 'settlement_file');
