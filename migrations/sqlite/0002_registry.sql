-- The registry: the network's tree, partners and API clients. Not sharded; no ledger decision reads it.

CREATE TABLE reseller (
    id         BLOB   PRIMARY KEY,
    code       TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    level      TEXT   NOT NULL,
    parent     BLOB   REFERENCES reseller (id),
    created_at INTEGER NOT NULL,
    CONSTRAINT reseller_code_key UNIQUE (code)
) STRICT;

-- Every reseller with each of its ancestors, itself included at depth 0.
CREATE TABLE reseller_ancestor (
    ancestor   BLOB     NOT NULL REFERENCES reseller (id),
    descendant BLOB     NOT NULL REFERENCES reseller (id),
    depth      INTEGER NOT NULL CHECK (depth >= 0),
    PRIMARY KEY (ancestor, descendant)
) STRICT;
CREATE INDEX reseller_ancestor_descendant ON reseller_ancestor (descendant, depth);

CREATE TABLE partner (
    id         BLOB   PRIMARY KEY,
    name       TEXT   NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT partner_name_key UNIQUE (name)
) STRICT;

CREATE TABLE client (
    id               BLOB   PRIMARY KEY,
    partner          BLOB   NOT NULL REFERENCES partner (id),
    name             TEXT   NOT NULL,
    scopes           TEXT   NOT NULL,
    rate_limit_per_s INTEGER CHECK (rate_limit_per_s > 0),
    created_at       INTEGER NOT NULL,
    revoked_at       INTEGER,
    CONSTRAINT client_name_key UNIQUE (name)
) STRICT;

CREATE TABLE client_root (
    client   BLOB NOT NULL REFERENCES client (id),
    reseller BLOB NOT NULL REFERENCES reseller (id),
    PRIMARY KEY (client, reseller)
) STRICT;

-- Argon2id hashes in PHC form. Two are valid while one is rotated out.
CREATE TABLE client_secret (
    client     BLOB   NOT NULL REFERENCES client (id),
    hash       TEXT   NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (client, hash)
) STRICT;
