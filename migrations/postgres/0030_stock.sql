-- What needs two persons: who proposed it, why, on which document, and who decided. Beside the operation.
CREATE TABLE four_eyes (
    shard         smallint NOT NULL,
    id            uuid     NOT NULL,
    maker         uuid     NOT NULL,
    reason        text     NOT NULL CHECK (reason <> ''),
    document      text     NOT NULL CHECK (document <> ''),
    expires_at    bigint   NOT NULL,
    reseller      uuid,
    direction     text CHECK (direction IN ('in', 'out')),
    checker       uuid,
    ruling        smallint CHECK (ruling IN (1, 2)),
    ruling_reason text CHECK (ruling_reason <> ''),
    ruled_at      bigint,
    PRIMARY KEY (shard, id),
    CONSTRAINT four_eyes_are_of_two_persons CHECK (checker <> maker),
    CONSTRAINT a_ruling_is_complete CHECK (num_nulls(checker, ruling, ruling_reason, ruled_at) IN (0, 4))
);
CREATE INDEX four_eyes_undecided ON four_eyes (expires_at, id) WHERE checker IS NULL;

INSERT INTO code (domain, number, name) VALUES
    ('kind', 4, 'destruction'),
    ('kind', 5, 'adjustment'),
    ('status', 7, 'pending_approval'),
    ('status', 8, 'approved'),
    ('status', 9, 'refused'),
    ('status', 10, 'expired'),
    ('entry', 35, 'approval.requested'),
    ('entry', 37, 'stock.destroyed'),
    ('entry', 38, 'stock.adjusted'),
    ('entry', 39, 'stock.adjustment_posted'),
    ('entry', 40, 'approval.refused'),
    ('entry', 41, 'approval.expired'),
    ('entry', 42, 'approval.in_vain');
