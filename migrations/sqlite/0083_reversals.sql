-- Reversals of recharges: operations of their own in the shard of their recharge, with their states beside those of
-- top-ups and refunds, by the recharge that they are of.
INSERT INTO code (domain, number, name) VALUES
    ('kind', 15, 'reversal'),
    ('entry', 140, 'reversal.awaited'),
    ('entry', 141, 'reversal.submitted'),
    ('entry', 142, 'reversal.declined'),
    ('entry', 143, 'reversal.in_doubt'),
    ('entry', 144, 'reversal.completed'),
    ('entry', 145, 'reversal.not_needed'),
    ('entry', 146, 'recharge.reversal_pending'),
    ('entry', 147, 'recharge.reversed'),
    ('entry', 148, 'recharge.partly_reversed'),
    ('entry', 149, 'recharge.kept');
