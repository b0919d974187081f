-- Registers resellers; their ancestors follow in a statement of their own. A parent may stand in the same batch.
-- Parameters: arrays of one column each. Rows: none.
INSERT INTO reseller (id, code, name, level, parent, created_at, shard, stock_account, standing)
SELECT * FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::bigint[], $7::smallint[], $8::bigint[], $9::text[]
)
