-- The payments of top-ups as they stand now.
-- Parameters: shards and ids, side by side. Rows: those that exist. The last state of each, by one step of the primary
-- key from its end: each step of a top-up leaves one, with the operation. Refunds and reversals have states too; they
-- name what they are of.
SELECT t.id, t.content
FROM unnest($1::smallint[], $2::uuid[]) AS wanted (shard, id)
CROSS JOIN LATERAL (
    SELECT * FROM topup_state s
    WHERE s.shard = wanted.shard AND s.id = wanted.id
    ORDER BY s.sequence DESC
    LIMIT 1
) AS t
WHERE t.topup IS NULL
