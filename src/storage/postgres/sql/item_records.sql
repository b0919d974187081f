-- The records of items of the reconciliation (kind 106).
-- Parameters: shard, ids. Rows: id and content of those that have a record, by the primary key.
SELECT r.id, r.content
FROM unnest($2::text[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT t.id, t.content FROM record t
    WHERE t.shard = $1 AND t.kind = 106 AND t.owner = '00000000-0000-0000-0000-000000000000' AND t.id = wanted.id
    OFFSET 0
) AS r
