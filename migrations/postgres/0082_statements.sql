-- What two persons state about a recharge in doubt, beside its operation: which recharge, and whether it was applied.
ALTER TABLE four_eyes ADD COLUMN recharge uuid;
ALTER TABLE four_eyes ADD COLUMN stated text CHECK (stated IN ('applied', 'not_applied'));
CREATE INDEX four_eyes_recharge ON four_eyes (shard, recharge, id) WHERE recharge IS NOT NULL;

INSERT INTO code (domain, number, name) VALUES
    ('kind', 12, 'statement'),
    ('entry', 128, 'statement.declined'),
    ('entry', 129, 'statement.booked');
