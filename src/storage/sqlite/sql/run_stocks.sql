-- Standing and available stock of resellers.
-- Parameters: a JSON array of {shard, reseller}. Rows: those that exist, by the primary keys.
-- CROSS JOIN keeps the order: what is wanted outside, the tables inside.
SELECT s.reseller, s.standing, c.posted - c.held AS available
FROM json_each(?1) AS j
CROSS JOIN reseller_state s ON s.shard = j.value ->> 'shard' AND s.reseller = unhex(j.value ->> 'reseller')
CROSS JOIN account c ON c.shard = s.shard AND c.number = s.stock_account
