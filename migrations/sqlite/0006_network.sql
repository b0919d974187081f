-- The tree is decided by the ledger, under the lock of the operator's shard, and verified against the journal. The
-- registry repeats of a reseller's state what lists and totals are made of.

ALTER TABLE reseller ADD COLUMN shard INTEGER;
ALTER TABLE reseller ADD COLUMN stock_account INTEGER;
ALTER TABLE reseller ADD COLUMN standing TEXT NOT NULL DEFAULT 'active'
    CHECK (standing IN ('active', 'suspended', 'closed'));
UPDATE reseller SET shard = s.shard, stock_account = s.stock_account, standing = s.standing
FROM reseller_state s WHERE s.reseller = reseller.id;
CREATE INDEX reseller_parent ON reseller (parent, id);

-- Two checks per row would be most of the cost of an import; verification checks every row of it instead.
CREATE TABLE reseller_line (
    ancestor   BLOB    NOT NULL,
    descendant BLOB    NOT NULL,
    depth      INTEGER NOT NULL CHECK (depth >= 0),
    PRIMARY KEY (ancestor, descendant)
) STRICT, WITHOUT ROWID;
INSERT INTO reseller_line (ancestor, descendant, depth) SELECT ancestor, descendant, depth FROM reseller_ancestor;
DROP TABLE reseller_ancestor;
ALTER TABLE reseller_line RENAME TO reseller_ancestor;
CREATE INDEX reseller_ancestor_descendant ON reseller_ancestor (descendant, depth);

-- "place" is a SHA-256 of the reseller's row in the registry; the version rises with each change.
ALTER TABLE reseller_state ADD COLUMN parent BLOB;
ALTER TABLE reseller_state ADD COLUMN level TEXT NOT NULL DEFAULT 'outlet';
ALTER TABLE reseller_state ADD COLUMN place BLOB NOT NULL DEFAULT (zeroblob(32)) CHECK (length(place) = 32);
ALTER TABLE reseller_state ADD COLUMN version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0);
UPDATE reseller_state SET parent = r.parent, level = r.level FROM reseller r WHERE r.id = reseller_state.reseller;

INSERT INTO code (domain, number, name) VALUES
    ('entry', 20, 'reseller.place_changed');
