-- Writes the movements of resellers' accounts out of a part of the journal. Sorted by account, so that an account's
-- page of the index is visited once however often it moved.
-- The sums before this part are a first step of each account, of sequence 0, that is summed and not written: so they are
-- probed once for each account, and nothing is joined that the planner could join otherwise. The lines are taken out of
-- their entries once; a VALUES list beside each of them would be set up anew for each, which took longer than all else.
-- Parameters: shard, after this sequence, up to this one, first account of a reseller, account of what was delivered.
-- Rows: none.
WITH posted AS MATERIALIZED (
    SELECT e.sequence, l.line::smallint AS line, e.lines[6 * l.line - 5] AS debit, e.lines[6 * l.line - 4] AS credit,
           e.lines[6 * l.line - 2] AS amount_minor
    FROM entry e
    CROSS JOIN LATERAL generate_series(1, cardinality(e.lines) / 6) AS l (line)
    WHERE e.shard = $1 AND e.sequence > $2 AND e.sequence <= $3
), moved AS MATERIALIZED (
    SELECT debit AS account, sequence, line, 0::bigint AS credited_minor,
           CASE WHEN credit = $5 THEN amount_minor ELSE 0 END AS sold_minor
    FROM posted
    WHERE debit >= $4
    UNION ALL
    SELECT credit, sequence, line, amount_minor, CASE WHEN debit = $5 THEN -amount_minor ELSE 0 END
    FROM posted
    WHERE credit >= $4
), summed AS (
    SELECT account, sequence, line,
           sum(credited_minor) OVER so_far AS credited_minor, sum(sold_minor) OVER so_far AS sold_minor
    FROM (
        SELECT account, sequence, line, credited_minor, sold_minor FROM moved
        UNION ALL
        SELECT a.account, 0, 0::smallint, before.credited_minor, before.sold_minor
        FROM (SELECT DISTINCT account FROM moved) AS a
        CROSS JOIN LATERAL (
            SELECT m.credited_minor, m.sold_minor FROM account_movement m
            WHERE m.shard = $1 AND m.account = a.account
            ORDER BY m.sequence DESC, m.line DESC
            LIMIT 1
        ) AS before
    ) AS step
    WINDOW so_far AS (PARTITION BY account ORDER BY sequence, line ROWS UNBOUNDED PRECEDING)
)
INSERT INTO account_movement (shard, account, sequence, line, credited_minor, sold_minor)
SELECT $1, account, sequence, line, CAST(credited_minor AS bigint), CAST(sold_minor AS bigint)
FROM summed
WHERE sequence > 0
ORDER BY account, sequence, line
