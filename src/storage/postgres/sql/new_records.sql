-- Writes the first version of records.
-- Parameters: arrays of one column each. Rows: none.
INSERT INTO record (shard, kind, owner, id, version, content)
SELECT * FROM unnest($1::smallint[], $2::smallint[], $3::uuid[], $4::text[], $5::bigint[], $6::text[])
