-- Writes a later version of records.
-- Parameters: arrays of one column each. Rows: none; as many are changed as were sent.
-- Rows are probed one by one by primary key (LATERAL, OFFSET 0) and then reached by their place, as in persist.
UPDATE record AS r
SET version = n.version, content = n.content
FROM unnest($1::smallint[], $2::smallint[], $3::uuid[], $4::text[], $5::bigint[], $6::text[])
    AS n (shard, kind, owner, id, version, content)
CROSS JOIN LATERAL (
    SELECT t.ctid AS place FROM record t
    WHERE t.shard = n.shard AND t.kind = n.kind AND t.owner = n.owner AND t.id = n.id AND t.version < n.version
    OFFSET 0
) AS found
WHERE r.ctid = found.place
