-- Notes top-ups that are not at their end; one that was noted before stays.
-- Parameters: arrays of one column each. Rows: none.
INSERT INTO topup_open (shard, id)
SELECT * FROM unnest($1::smallint[], $2::uuid[])
ON CONFLICT DO NOTHING
