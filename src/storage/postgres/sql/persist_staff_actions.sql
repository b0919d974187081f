-- Writes staff actions beside their entries.
-- Parameters: arrays of one column each. Rows: none.
INSERT INTO staff_action (
    shard, sequence, recorded_at, kind, subject, actor, via, address, request, reason, reseller, before_json, after_json
)
SELECT * FROM unnest(
    $1::smallint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::uuid[], $6::text[], $7::smallint[], $8::text[],
    $9::text[], $10::text[], $11::uuid[], $12::text[], $13::text[]
)
