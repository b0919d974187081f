-- Notes top-ups that are not at their end; one that was noted before stays.
-- Parameters: arrays of one column each. Rows: none.
INSERT INTO topup_open (shard, id, since)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::bigint[])
ON CONFLICT DO NOTHING
