-- What partners may be told of: a page of the journal with whom its operations are about.
-- Parameters: shard, after this sequence, limit. Rows: entries by sequence, ascending.
SELECT e.sequence, e.kind AS entry_kind, e.subject, e.recorded_at, o.reseller, o.counterparty
FROM (
    SELECT shard, sequence, kind, subject, recorded_at FROM entry
    WHERE shard = ?1 AND sequence > ?2
    ORDER BY sequence
    LIMIT ?3
) AS e
LEFT JOIN operation o ON o.shard = e.shard AND o.id = e.subject
ORDER BY e.sequence
