-- Terminals of partners, and what partners are held to: records of two more kinds.

INSERT INTO code (domain, number, name) VALUES
    ('record', 20, 'partner_policy'),
    ('record', 21, 'terminal');
