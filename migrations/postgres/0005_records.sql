-- Versioned configuration that decisions read: written by engine commands, digests in the journal. What concerns the
-- whole installation has a copy in every shard and no owner (zeros); what belongs to a reseller stands in its shard.
-- Content is the JSON text that the digest was made of.
-- Ids are ordered by their bytes, as on every store.
CREATE TABLE record (
    shard   smallint NOT NULL,
    kind    smallint NOT NULL,
    owner   uuid     NOT NULL,
    id      text     COLLATE "C" NOT NULL,
    version bigint   NOT NULL CHECK (version > 0),
    content text     NOT NULL,
    PRIMARY KEY (shard, kind, owner, id)
);

INSERT INTO code (domain, number, name) VALUES
    ('entry', 30, 'record.put'),
    ('entry', 31, 'record.copied'),
    ('record', 80, 'pin_policy'),
    ('record', 81, 'user');
