-- The records of items of the reconciliation (kind 106).
-- Parameters: shard, a JSON array of ids. Rows: id and content of those that have a record, by the primary key.
-- CROSS JOIN keeps the order: what is wanted outside, the table inside.
SELECT r.id, r.content
FROM json_each(?2) AS j
CROSS JOIN record r ON r.shard = ?1 AND r.kind = 106 AND r.owner = zeroblob(16) AND r.id = j.value
