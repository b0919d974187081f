-- What decisions read of resellers.
-- Parameters: a JSON array of {shard, reseller}. Rows: the resellers that exist, by the primary key.
-- CROSS JOIN keeps the order: what is wanted outside, the table inside.
SELECT r.shard, r.reseller, r.stock_account, r.standing, r.per_operation_minor, r.per_day_count, r.per_day_minor,
       r.parent, r.level, r.place, r.version
FROM json_each(?1) AS j
CROSS JOIN reseller_state r ON r.shard = j.value ->> 'shard' AND r.reseller = unhex(j.value ->> 'reseller')
