-- Writes the first state of resellers.
-- Parameters: arrays of one column each. Rows: none.
INSERT INTO reseller_state (shard, reseller, stock_account, standing,
                            per_operation_minor, per_day_count, per_day_minor, parent, level, place, version)
SELECT * FROM unnest(
    $1::smallint[], $2::uuid[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::uuid[],
    $9::text[], $10::bytea[], $11::bigint[]
)
