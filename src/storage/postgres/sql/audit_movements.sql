-- A page of the movements that were written out, each beside the posting it stands for.
-- Parameters: shard, after this account, sequence and line, limit. Rows: movements by account and place.
SELECT m.account, m.sequence, m.line, m.credited_minor, m.sold_minor, p.debit, p.credit, p.amount_minor
FROM (
    SELECT * FROM account_movement
    WHERE shard = $1 AND (account, sequence, line) > ($2, $3, $4)
    ORDER BY account, sequence, line
    LIMIT $5
) AS m
LEFT JOIN posting p ON p.shard = $1 AND p.sequence = m.sequence AND p.line = m.line
ORDER BY m.account, m.sequence, m.line
