-- The tree is decided by the ledger, under the lock of the operator's shard, and verified against the journal. The
-- registry repeats of a reseller's state what lists and totals are made of.

ALTER TABLE reseller
    ADD COLUMN shard         smallint,
    ADD COLUMN stock_account bigint,
    ADD COLUMN standing      text NOT NULL DEFAULT 'active' CHECK (standing IN ('active', 'suspended', 'closed'));
UPDATE reseller SET shard = s.shard, stock_account = s.stock_account, standing = s.standing
FROM reseller_state s WHERE s.reseller = reseller.id;
CREATE INDEX reseller_parent ON reseller (parent, id);

-- Two checks per row would be most of the cost of an import; verification checks every row of it instead.
ALTER TABLE reseller_ancestor
    DROP CONSTRAINT reseller_ancestor_ancestor_fkey,
    DROP CONSTRAINT reseller_ancestor_descendant_fkey;

-- "place" is a SHA-256 of the reseller's row in the registry; the version rises with each change.
ALTER TABLE reseller_state
    ADD COLUMN parent  uuid,
    ADD COLUMN level   text   NOT NULL DEFAULT 'outlet',
    ADD COLUMN place   bytea  NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (octet_length(place) = 32),
    ADD COLUMN version bigint NOT NULL DEFAULT 1 CHECK (version > 0);
UPDATE reseller_state SET parent = r.parent, level = r.level FROM reseller r WHERE r.id = reseller_state.reseller;

INSERT INTO code (domain, number, name) VALUES
    ('entry', 20, 'reseller.place_changed');
