-- Disputes of payments: they stand with their top-ups, and what they wait for at a reseller is a record of its.
INSERT INTO code (domain, number, name) VALUES
    ('class', 96, 'clawback_standing'),
    ('record', 110, 'standing_clawback'),
    ('via', 3, 'policy'),
    ('entry', 110, 'topup.dispute_opened'),
    ('entry', 111, 'topup.clawed_unsold'),
    ('entry', 112, 'topup.clawed_sold'),
    ('entry', 113, 'topup.clawed_held'),
    ('entry', 114, 'topup.dispute_lost'),
    ('entry', 115, 'topup.dispute_won'),
    ('entry', 116, 'topup.clawback_took'),
    ('entry', 117, 'topup.clawback_owed'),
    ('entry', 118, 'topup.dispute_tended'),
    ('entry', 119, 'clawback.stands');
