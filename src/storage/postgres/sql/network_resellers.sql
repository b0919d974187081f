-- Writes the new state of resellers.
-- Parameters: arrays of one column each. Rows: none; as many are changed as were sent.
UPDATE reseller_state AS r
SET stock_account = n.stock_account, standing = n.standing, per_operation_minor = n.per_operation_minor,
    per_day_count = n.per_day_count, per_day_minor = n.per_day_minor, parent = n.parent, level = n.level,
    place = n.place, version = n.version
FROM unnest(
    $1::smallint[], $2::uuid[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::uuid[],
    $9::text[], $10::bytea[], $11::bigint[]
) AS n (shard, reseller, stock_account, standing, per_operation_minor, per_day_count, per_day_minor, parent, level,
        place, version)
WHERE r.shard = n.shard AND r.reseller = n.reseller
