-- Records that decisions read: all of a kind, or all of it that one reseller owns.
-- Parameters: shards, kinds, first and last owners, row by row. Rows: records, by the primary key.
-- LATERAL with OFFSET 0 keeps it a probe per row, whatever the planner believed when the table was empty.
SELECT r.shard, r.kind, r.owner, r.id, r.version, r.content
FROM unnest($1::smallint[], $2::smallint[], $3::uuid[], $4::uuid[]) AS wanted (shard, kind, first_owner, last_owner)
CROSS JOIN LATERAL (
    SELECT * FROM record t
    WHERE t.shard = wanted.shard AND t.kind = wanted.kind
      AND t.owner >= wanted.first_owner AND t.owner <= wanted.last_owner OFFSET 0
) AS r
