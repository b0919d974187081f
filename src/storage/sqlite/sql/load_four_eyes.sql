-- What stands for proposals: who made them, why, and who decided.
-- Parameters: a JSON array of {shard, id} of operations. Rows: those that exist, by the primary key.
-- CROSS JOIN keeps the order: what is wanted outside, the table inside.
SELECT e.shard, e.id, e.maker, e.reason, e.document, e.expires_at, e.reseller, e.direction, e.limits, e.resolution,
       e.recharge, e.stated, e.checker, e.ruling, e.ruling_reason, e.ruled_at
FROM json_each(?1) AS j
CROSS JOIN four_eyes e ON e.shard = j.value ->> 'shard' AND e.id = unhex(j.value ->> 'id')
