-- Records that decisions read: single ones.
-- Parameters: shards, kinds, owners and ids, row by row. Rows: the records that exist, by the primary key.
-- LATERAL with OFFSET 0 keeps it a probe per row, whatever the planner believed when the table was empty.
SELECT r.shard, r.kind, r.owner, r.id, r.version, r.content
FROM unnest($1::smallint[], $2::smallint[], $3::uuid[], $4::text[]) AS wanted (shard, kind, owner, id)
CROSS JOIN LATERAL (
    SELECT * FROM record t
    WHERE t.shard = wanted.shard AND t.kind = wanted.kind AND t.owner = wanted.owner AND t.id = wanted.id OFFSET 0
) AS r
