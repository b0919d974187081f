-- What needs two persons: who proposed it, why, on which document, and who decided. Beside the operation.
CREATE TABLE four_eyes (
    shard         INTEGER NOT NULL,
    id            BLOB    NOT NULL,
    maker         BLOB    NOT NULL,
    reason        TEXT    NOT NULL CHECK (reason <> ''),
    document      TEXT    NOT NULL CHECK (document <> ''),
    expires_at    INTEGER NOT NULL,
    reseller      BLOB,
    direction     TEXT CHECK (direction IN ('in', 'out')),
    checker       BLOB,
    ruling        INTEGER CHECK (ruling IN (1, 2)),
    ruling_reason TEXT CHECK (ruling_reason <> ''),
    ruled_at      INTEGER,
    PRIMARY KEY (shard, id),
    CONSTRAINT four_eyes_are_of_two_persons CHECK (checker <> maker),
    CONSTRAINT a_ruling_is_complete CHECK (
        (checker IS NULL) = (ruling IS NULL)
        AND (checker IS NULL) = (ruling_reason IS NULL)
        AND (checker IS NULL) = (ruled_at IS NULL)
    )
) STRICT, WITHOUT ROWID;
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
