-- Recharges that one charging system sends on to another: the number is another one's.
INSERT INTO code (domain, number, name) VALUES
    ('entry', 16, 'recharge.sent_on');
