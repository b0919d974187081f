-- How far down a page of a search looks: the operation that is so many behind the beginning of the page in its shard; of
-- several shards the newest, so that no shard is looked through further.
-- Parameters: first id, id before which, operations of a shard. Rows: one id, or none when there are fewer in each.
-- The end of a range of the primary key, and of its index alone.
SELECT o.id
FROM shard s
CROSS JOIN LATERAL (
    SELECT t.id FROM operation t
    WHERE t.shard = s.shard AND t.id >= $1 AND t.id < $2
    ORDER BY t.id DESC
    OFFSET $3
    LIMIT 1
) AS o
ORDER BY o.id DESC
LIMIT 1
