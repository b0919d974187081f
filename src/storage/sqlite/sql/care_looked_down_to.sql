-- How far down a page of a search looks in one shard: the operation that is so many behind the beginning of the page.
-- Parameters: shard, first id, id before which, operations. Rows: one id, or none when there are fewer.
-- The end of a range of the primary key, and of it alone.
SELECT o.id FROM operation o
WHERE o.shard = ?1 AND o.id >= ?2 AND o.id < ?3
ORDER BY o.id DESC
LIMIT 1 OFFSET ?4
