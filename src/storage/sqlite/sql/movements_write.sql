-- Writes the movements of resellers' accounts out of a part of the journal. Sorted by account, so that an account's
-- page of the table is visited once however often it moved.
-- Parameters: shard, after this sequence, up to this one, first account of a reseller, account of what was delivered.
-- Rows: none.
INSERT INTO account_movement (shard, account, sequence, line, credited_minor, sold_minor)
SELECT ?1, moved.account, moved.sequence, moved.line,
       COALESCE((
           SELECT m.credited_minor FROM account_movement m
           WHERE m.shard = ?1 AND m.account = moved.account
           ORDER BY m.sequence DESC, m.line DESC
           LIMIT 1
       ), 0) + sum(moved.credited_minor) OVER so_far,
       COALESCE((
           SELECT m.sold_minor FROM account_movement m
           WHERE m.shard = ?1 AND m.account = moved.account
           ORDER BY m.sequence DESC, m.line DESC
           LIMIT 1
       ), 0) + sum(moved.sold_minor) OVER so_far
FROM (
    SELECT debit AS account, sequence, line, 0 AS credited_minor,
           CASE WHEN credit = ?5 THEN amount_minor ELSE 0 END AS sold_minor
    FROM posting
    WHERE shard = ?1 AND sequence > ?2 AND sequence <= ?3 AND debit >= ?4
    UNION ALL
    SELECT credit, sequence, line, amount_minor, CASE WHEN debit = ?5 THEN -amount_minor ELSE 0 END
    FROM posting
    WHERE shard = ?1 AND sequence > ?2 AND sequence <= ?3 AND credit >= ?4
) AS moved
WINDOW so_far AS (PARTITION BY moved.account ORDER BY moved.sequence, moved.line)
ORDER BY moved.account, moved.sequence, moved.line
