-- Writes what stands for new proposals.
-- Parameters: arrays of one column each. Rows: none.
INSERT INTO four_eyes (shard, id, maker, reason, document, expires_at, reseller, direction, limits, resolution,
                       recharge, stated, checker, ruling, ruling_reason, ruled_at)
SELECT * FROM unnest(
    $1::smallint[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::uuid[], $8::text[], $9::text[],
    $10::text[], $11::uuid[], $12::text[], $13::uuid[], $14::smallint[], $15::text[], $16::bigint[]
)
