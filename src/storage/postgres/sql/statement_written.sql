-- The last movement of an account up to an entry, among those written out.
-- Parameters: shard, account, sequence. Rows: at most one.
SELECT m.credited_minor, m.sold_minor,
       CASE WHEN p.debit = $2 THEN p.debit_after ELSE p.credit_after END AS balance
FROM (
    SELECT * FROM account_movement
    WHERE shard = $1 AND account = $2 AND sequence <= $3
    ORDER BY sequence DESC, line DESC
    LIMIT 1
) AS m
JOIN posting p ON p.shard = $1 AND p.sequence = m.sequence AND p.line = m.line
