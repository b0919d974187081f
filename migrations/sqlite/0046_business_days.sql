-- Business days that are closed and stock that is watched are records; their numbers are explained here.

INSERT INTO code (domain, number, name) VALUES
    ('entry', 70, 'day.closed'),
    ('entry', 71, 'stock.low'),
    ('entry', 72, 'stock.recovered'),
    ('record', 70, 'business_day_closing'),
    ('record', 71, 'stock_watch'),
    ('record', 72, 'stock_alert');
