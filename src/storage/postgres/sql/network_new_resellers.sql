-- Writes the first state of resellers.
-- Parameters: arrays of one column each. Rows: none.
INSERT INTO reseller_state (shard, reseller, stock_account, standing,
                            per_operation_minor, per_day_count, per_day_minor)
SELECT * FROM unnest(
    $1::smallint[], $2::uuid[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[]
)
