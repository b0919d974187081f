-- The postings of a page of the journal.
-- Parameters: shard, after this sequence, up to this one. Rows: postings by sequence and line, ascending.
SELECT shard, sequence, line, debit, credit, asset, amount_minor, debit_after, credit_after
FROM posting
WHERE shard = ?1 AND sequence > ?2 AND sequence <= ?3
ORDER BY sequence, line
