-- A line of a settlement file.
-- Parameters: shard, file, number. Rows: at most one, by the primary key.
SELECT s.file, s.number, s.acquirer, s.reference, s.kind, s.state, s.operation, s.gross_minor, s.fee_minor,
       s.settled_on, s.posted
FROM settlement_line s
WHERE s.shard = ?1 AND s.file = ?2 AND s.number = ?3
