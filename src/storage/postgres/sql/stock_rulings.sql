-- Writes who decided proposals, once.
-- Parameters: arrays of one column each. Rows: none; as many are changed as were sent, unless one was decided before.
UPDATE four_eyes AS e
SET checker = n.checker, ruling = n.ruling, ruling_reason = n.ruling_reason, ruled_at = n.ruled_at
FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::smallint[], $5::text[], $6::bigint[])
    AS n (shard, id, checker, ruling, ruling_reason, ruled_at)
WHERE e.shard = n.shard AND e.id = n.id AND e.checker IS NULL
