-- Writes the terms of new allocations.
-- Parameters: arrays of one column each. Rows: none.
INSERT INTO allocation (
    shard, id, terms, reason, asked_minor, is_top_up, net_minor, vat_minor, discount_minor, residue_minor, catalogue, run, line
)
SELECT * FROM unnest(
    $1::smallint[], $2::uuid[], $3::smallint[], $4::text[], $5::bigint[], $6::boolean[], $7::bigint[],
    $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::uuid[], $13::bigint[]
)
