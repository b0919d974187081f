-- Writes what runs came to, once.
-- Parameters: arrays of one column each. Rows: none; as many are changed as were sent, unless one was finished before.
UPDATE allocation_run AS r
SET done = n.done, refused = n.refused, amount_minor = n.amount_minor
FROM unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[])
    AS n (shard, id, done, refused, amount_minor)
WHERE r.shard = n.shard AND r.id = n.id AND r.done IS NULL
