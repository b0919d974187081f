-- A page of the records of a kind, by owner and id.
-- Parameters: shard, kind, the owner and id before the page (zeros and '' at the beginning), the last owner, limit.
-- Rows: records, by the primary key.
SELECT shard, kind, owner, id, version, content FROM record
WHERE shard = $1 AND kind = $2 AND (owner, id) > ($3, $4) AND owner <= $5
ORDER BY owner, id
LIMIT $6
