-- Writes the lines of runs that begin.
-- Parameters: arrays of one column each. Rows: none.
INSERT INTO run_line (shard, run, number, reseller, code, asked_minor, is_top_up)
SELECT * FROM unnest(
    $1::smallint[], $2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::bigint[], $7::boolean[]
)
