-- Rows: one, without meaning, when all was found as it was believed to be.
SELECT CASE
    WHEN (SELECT count(*) FROM head) <> cardinality($1) THEN refuse_batch('TA001', 'shard')
    WHEN (SELECT count(*) FROM moved) <> cardinality($4) THEN refuse_batch('TA002', 'operation')
    WHEN (SELECT count(*) FROM removed) <> cardinality($6) THEN refuse_batch('TA002', 'hold')
    WHEN (SELECT count(*) FROM balance) <> cardinality($8) THEN refuse_batch('TA002', 'account')
END
