-- Versioned configuration that decisions read: written by engine commands, digests in the journal. What concerns the
-- whole installation has a copy in every shard and no owner (zeros); what belongs to a reseller stands in its shard.
-- Content is the JSON text that the digest was made of.
CREATE TABLE record (
    shard   INTEGER NOT NULL,
    kind    INTEGER NOT NULL,
    owner   BLOB    NOT NULL,
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL CHECK (version > 0),
    content TEXT    NOT NULL,
    PRIMARY KEY (shard, kind, owner, id)
) STRICT, WITHOUT ROWID;

INSERT INTO code (domain, number, name) VALUES
    ('entry', 30, 'record.put'),
    ('entry', 31, 'record.copied'),
    ('record', 80, 'pin_policy'),
    ('record', 81, 'user');
