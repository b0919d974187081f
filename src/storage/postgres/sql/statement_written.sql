-- The last movement of an account up to an entry, among those written out.
-- Parameters: shard, account, sequence. Rows: at most one.
SELECT m.credited_minor, m.sold_minor,
       CASE WHEN e.lines[6 * m.line - 5] = $2 THEN e.lines[6 * m.line - 1] ELSE e.lines[6 * m.line] END AS balance
FROM (
    SELECT * FROM account_movement
    WHERE shard = $1 AND account = $2 AND sequence <= $3
    ORDER BY sequence DESC, line DESC
    LIMIT 1
) AS m
JOIN entry e ON e.shard = $1 AND e.sequence = m.sequence
