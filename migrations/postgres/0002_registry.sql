-- The registry: the network's tree, partners and API clients. Not sharded; no ledger decision reads it.

CREATE TABLE reseller (
    id         uuid   PRIMARY KEY,
    code       text   NOT NULL,
    name       text   NOT NULL,
    level      text   NOT NULL,
    parent     uuid   REFERENCES reseller (id),
    created_at bigint NOT NULL,
    CONSTRAINT reseller_code_key UNIQUE (code)
);

-- Every reseller with each of its ancestors, itself included at depth 0.
CREATE TABLE reseller_ancestor (
    ancestor   uuid     NOT NULL REFERENCES reseller (id),
    descendant uuid     NOT NULL REFERENCES reseller (id),
    depth      smallint NOT NULL CHECK (depth >= 0),
    PRIMARY KEY (ancestor, descendant)
);
CREATE INDEX reseller_ancestor_descendant ON reseller_ancestor (descendant, depth);

CREATE TABLE partner (
    id         uuid   PRIMARY KEY,
    name       text   NOT NULL,
    created_at bigint NOT NULL,
    CONSTRAINT partner_name_key UNIQUE (name)
);

CREATE TABLE client (
    id               uuid   PRIMARY KEY,
    partner          uuid   NOT NULL REFERENCES partner (id),
    name             text   NOT NULL,
    scopes           text   NOT NULL,
    rate_limit_per_s integer CHECK (rate_limit_per_s > 0),
    created_at       bigint NOT NULL,
    revoked_at       bigint,
    CONSTRAINT client_name_key UNIQUE (name)
);

CREATE TABLE client_root (
    client   uuid NOT NULL REFERENCES client (id),
    reseller uuid NOT NULL REFERENCES reseller (id),
    PRIMARY KEY (client, reseller)
);

-- Argon2id hashes in PHC form. Two are valid while one is rotated out.
CREATE TABLE client_secret (
    client     uuid   NOT NULL REFERENCES client (id),
    hash       text   NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint,
    PRIMARY KEY (client, hash)
);
