-- The last states of top-ups.
-- Parameters: a JSON array of {shard, id, sequence} of operations. Rows: those that exist, by the primary key.
-- CROSS JOIN keeps the order: what is wanted outside, the table inside.
SELECT t.shard, t.id, t.sequence, t.acquirer, t.reference, t.content
FROM json_each(?1) AS j
CROSS JOIN topup_state t
    ON t.shard = j.value ->> 'shard' AND t.id = unhex(j.value ->> 'id') AND t.sequence = j.value ->> 'sequence'
