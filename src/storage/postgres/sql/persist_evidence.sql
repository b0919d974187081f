-- Writes items of evidence beside their entries.
-- Parameters: arrays of one column each. Rows: none.
INSERT INTO evidence (
    shard, operation, sequence, kind, system, reference, says, decline, observed_at, excerpt, effect, submit_by,
    promised_at
)
SELECT * FROM unnest(
    $1::smallint[], $2::uuid[], $3::bigint[], $4::smallint[], $5::text[], $6::bigint[], $7::text[], $8::text[],
    $9::bigint[], $10::text[], $11::smallint[], $12::bigint[], $13::bigint[]
)
