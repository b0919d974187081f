-- Top-ups by card: the state that each step of a top-up left, by the sequence of its journal entry, and those that are
-- not at their end. The operation's row says which state is the last one. Lists are by the reseller that buys.
CREATE TABLE topup_state (
    shard     smallint NOT NULL,
    id        uuid     NOT NULL,
    sequence  bigint   NOT NULL,
    acquirer  text,
    reference text,
    content   text     NOT NULL,
    PRIMARY KEY (shard, id, sequence)
);
CREATE INDEX topup_state_reference ON topup_state (acquirer, reference) WHERE reference IS NOT NULL;

CREATE TABLE topup_open (
    shard smallint NOT NULL,
    id    uuid     NOT NULL,
    PRIMARY KEY (shard, id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX operation_topup ON operation (shard, id) WHERE kind = 10;
CREATE INDEX operation_topup_reseller ON operation (shard, reseller, id) WHERE kind = 10;

INSERT INTO code (domain, number, name) VALUES
    ('kind', 10, 'topup'),
    ('status', 90, 'created'),
    ('status', 91, 'requires_action'),
    ('status', 92, 'processing'),
    ('status', 93, 'captured'),
    ('status', 94, 'credited'),
    ('status', 95, 'refunded'),
    ('status', 96, 'charged_back'),
    ('class', 90, 'stock_reserved'),
    ('class', 91, 'acquirer_receivable'),
    ('class', 92, 'captured_not_credited'),
    ('class', 93, 'fee_income'),
    ('entry', 90, 'topup.created'),
    ('entry', 91, 'topup.refused'),
    ('entry', 92, 'topup.stock_lent'),
    ('entry', 93, 'topup.stock_returned'),
    ('entry', 94, 'topup.advanced'),
    ('entry', 95, 'topup.released'),
    ('entry', 96, 'topup.captured'),
    ('entry', 97, 'topup.credited');
