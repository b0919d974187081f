-- Writes runs that begin.
-- Parameters: arrays of one column each. Rows: none.
INSERT INTO allocation_run (shard, id, terms, reason, started_by, request, lines, lines_digest, done, refused, amount_minor)
SELECT * FROM unnest(
    $1::smallint[], $2::uuid[], $3::smallint[], $4::text[], $5::uuid[], $6::bytea[], $7::bigint[],
    $8::bytea[], $9::bigint[], $10::bigint[], $11::bigint[]
)
