-- Writes the movements of resellers' accounts out of a part of the journal. Sorted by account, so that an account's
-- page of the index is visited once however often it moved.
-- Parameters: shard, after this sequence, up to this one, first account of a reseller, account of what was delivered.
-- Rows: none.
INSERT INTO account_movement (shard, account, sequence, line, credited_minor, sold_minor)
SELECT $1, moved.account, moved.sequence, moved.line,
       COALESCE(before.credited_minor, 0) + CAST(sum(moved.credited_minor) OVER so_far AS bigint),
       COALESCE(before.sold_minor, 0) + CAST(sum(moved.sold_minor) OVER so_far AS bigint)
FROM (
    SELECT side.account, p.sequence, p.line, side.credited_minor, side.sold_minor
    FROM posting p
    CROSS JOIN LATERAL (VALUES
        (p.debit, 0::bigint, CASE WHEN p.credit = $5 THEN p.amount_minor ELSE 0 END),
        (p.credit, p.amount_minor, CASE WHEN p.debit = $5 THEN -p.amount_minor ELSE 0 END)
    ) AS side (account, credited_minor, sold_minor)
    WHERE p.shard = $1 AND p.sequence > $2 AND p.sequence <= $3 AND side.account >= $4
) AS moved
LEFT JOIN LATERAL (
    SELECT m.credited_minor, m.sold_minor FROM account_movement m
    WHERE m.shard = $1 AND m.account = moved.account
    ORDER BY m.sequence DESC, m.line DESC
    LIMIT 1
) AS before ON true
WINDOW so_far AS (PARTITION BY moved.account ORDER BY moved.sequence, moved.line)
ORDER BY moved.account, moved.sequence, moved.line
