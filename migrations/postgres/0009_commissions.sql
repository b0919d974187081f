-- Prices, commissions and the catalogue: accounts for what resellers earn, and what their numbers mean.

INSERT INTO code (domain, number, name) VALUES
    ('class', 60, 'commission_expense'),
    ('class', 61, 'commission_accrued'),
    ('class', 62, 'commission_payable'),
    ('class', 63, 'commission_granted'),
    ('class', 64, 'commission_stock_accrued'),
    ('class', 65, 'money_rounding'),
    ('class', 66, 'airtime_rounding'),
    ('class', 67, 'stock_discounts');
