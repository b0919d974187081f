-- Prices, commissions and the catalogue: accounts for what resellers earn, and what their numbers mean.

INSERT INTO code (domain, number, name) VALUES
    ('class', 60, 'commission_expense'),
    ('class', 61, 'commission_accrued'),
    ('class', 62, 'commission_payable'),
    ('class', 63, 'commission_granted'),
    ('class', 64, 'commission_stock_accrued'),
    ('class', 65, 'money_rounding'),
    ('class', 66, 'airtime_rounding'),
    ('class', 67, 'stock_discounts'),
    ('kind', 9, 'commission_payout'),
    ('record', 60, 'catalogue'),
    ('entry', 60, 'commission.paid'),
    ('entry', 61, 'commission.received'),
    ('entry', 62, 'commission.funded'),
    ('entry', 63, 'commission.payout_declined'),
    ('entry', 64, 'network.changed');

-- What is due for a payout, without a look at every account.
CREATE INDEX account_accrued ON account (shard, number) WHERE class IN (61, 64);
