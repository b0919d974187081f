-- The payments of top-ups as they stand now.
-- Parameters: a JSON array of {shard, id}. Rows: those that exist, each step by a primary key.
-- CROSS JOIN keeps the order: what is wanted outside, the tables inside.
SELECT t.id, t.content
FROM json_each(?1) AS j
CROSS JOIN operation o ON o.shard = j.value ->> 'shard' AND o.id = unhex(j.value ->> 'id') AND +o.kind = 10
CROSS JOIN topup_state t ON t.shard = o.shard AND t.id = o.id AND t.sequence = o.last_sequence
