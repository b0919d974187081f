-- A page of the movements that were written out, each beside the posting it stands for.
-- Parameters: shard, after this account, sequence and line, limit. Rows: movements by account and place.
SELECT m.account, m.sequence, m.line, m.credited_minor, m.sold_minor,
       e.lines[6 * m.line - 5] AS debit, e.lines[6 * m.line - 4] AS credit, e.lines[6 * m.line - 2] AS amount_minor
FROM (
    SELECT * FROM account_movement
    WHERE shard = $1 AND (account, sequence, line) > ($2, $3, $4)
    ORDER BY account, sequence, line
    LIMIT $5
) AS m
LEFT JOIN entry e ON e.shard = $1 AND e.sequence = m.sequence
ORDER BY m.account, m.sequence, m.line
