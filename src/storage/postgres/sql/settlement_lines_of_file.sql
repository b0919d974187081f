-- Lines of a settlement file.
-- Parameters: shard, file, number after which, limit. Rows: lines by number, by the primary key.
SELECT s.file, s.number, s.acquirer, s.reference, s.kind, s.state, s.operation, s.gross_minor, s.fee_minor,
       s.settled_on, s.posted
FROM settlement_line s
WHERE s.shard = $1 AND s.file = $2 AND s.number > $3
ORDER BY s.number
LIMIT $4
