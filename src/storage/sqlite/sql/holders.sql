-- Who holds these idempotency keys.
-- Parameters: a JSON array of {shard, key}. Rows: the claims, by the primary key.
-- CROSS JOIN keeps the order: what is wanted outside, the table inside.
SELECT c.shard, c.key, c.operation
FROM json_each(?1) AS j
CROSS JOIN claim c ON c.shard = j.value ->> 'shard' AND c.key = unhex(j.value ->> 'key')
