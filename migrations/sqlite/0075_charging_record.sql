-- The charging system's daily record is compared like an acquirer's file; its lines stand among those.
INSERT INTO code (domain, number, name) VALUES
    ('class', 121, 'airtime_write_offs');
