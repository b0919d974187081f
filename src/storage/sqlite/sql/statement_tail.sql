-- What moved an account in a part of the journal that is not written out yet. Reads that part, which is short.
-- Parameters: shard, account, after this sequence, up to this one, account of what was delivered. Rows: one.
SELECT CAST(COALESCE(sum(CASE WHEN credit = ?2 THEN amount_minor ELSE 0 END), 0) AS INTEGER) AS credited_minor,
       CAST(COALESCE(sum(CASE WHEN debit = ?2 THEN amount_minor ELSE 0 END), 0) AS INTEGER) AS debited_minor,
       CAST(COALESCE(sum(CASE WHEN debit = ?2 AND credit = ?5 THEN amount_minor
                              WHEN credit = ?2 AND debit = ?5 THEN -amount_minor
                              ELSE 0 END), 0) AS INTEGER) AS sold_minor
FROM posting
WHERE shard = ?1 AND sequence > ?3 AND sequence <= ?4 AND (debit = ?2 OR credit = ?2)
