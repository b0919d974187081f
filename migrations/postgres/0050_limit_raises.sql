-- Limits are raised by two persons: what was proposed stands beside its operation, as JSON.
ALTER TABLE four_eyes ADD COLUMN limits text CHECK (limits <> '');

INSERT INTO code (domain, number, name) VALUES
    ('kind', 6, 'limit_raise'),
    ('entry', 36, 'limits.raise_declined'),
    ('entry', 43, 'limits.raised');
