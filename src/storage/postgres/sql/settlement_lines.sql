-- Writes lines of settlement files.
-- Parameters: arrays of one column each. Rows: none.
INSERT INTO settlement_line (shard, file, number, acquirer, reference, kind, state, operation, gross_minor, fee_minor,
                             settled_on, posted, key, paid)
SELECT * FROM unnest(
    $1::smallint[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::smallint[], $7::smallint[], $8::uuid[],
    $9::bigint[], $10::bigint[], $11::integer[], $12::boolean[], $13::bytea[], $14::uuid[]
)
