-- Refunds of top-ups: operations of their own in the shard of their top-up, with their states beside those of top-ups.
INSERT INTO code (domain, number, name) VALUES
    ('kind', 11, 'topup_refund'),
    ('entry', 98, 'topup.refund_started'),
    ('entry', 99, 'topup.refund_declined'),
    ('entry', 100, 'topup.refunded'),
    ('entry', 101, 'topup.refund_put_back'),
    ('entry', 102, 'topup.refund_advanced');
