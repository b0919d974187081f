-- What two books do not have in common is resolved by two persons: what was proposed stands beside its operation, as JSON.
-- Items themselves are records of kind 106, once somebody looks after them.
ALTER TABLE four_eyes ADD COLUMN resolution text CHECK (resolution <> '');

INSERT INTO code (domain, number, name) VALUES
    ('class', 120, 'money_write_offs'),
    ('kind', 14, 'resolution'),
    ('record', 106, 'reconciliation_item'),
    ('entry', 120, 'item.assigned'),
    ('entry', 121, 'item.proposed'),
    ('entry', 122, 'resolution.declined'),
    ('entry', 123, 'resolution.booked'),
    ('entry', 124, 'resolution.posted'),
    ('entry', 125, 'item.resolved');
