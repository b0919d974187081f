-- The payments of top-ups as they stand now.
-- Parameters: shards and ids, side by side. Rows: those that exist, each step by a primary key: the sum keeps the index of
-- top-ups by reseller away, which a plan for tables without statistics would walk for every line.
SELECT t.id, t.content
FROM unnest($1::smallint[], $2::uuid[]) AS wanted (shard, id)
CROSS JOIN LATERAL (
    SELECT * FROM operation o WHERE o.shard = wanted.shard AND o.id = wanted.id AND o.kind + 0 = 10 OFFSET 0
) AS o
CROSS JOIN LATERAL (
    SELECT * FROM topup_state s WHERE s.shard = o.shard AND s.id = o.id AND s.sequence = o.last_sequence OFFSET 0
) AS t
