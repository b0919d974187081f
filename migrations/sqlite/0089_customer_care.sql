-- Customer care shows with a recharge how its events were delivered. An attempt pays for this index, not a recharge.
CREATE INDEX webhook_attempt_entry ON webhook_attempt (shard, sequence);

INSERT INTO code (domain, number, name) VALUES
    ('entry', 130, 'care.searched'),
    ('record', 126, 'care_search');
