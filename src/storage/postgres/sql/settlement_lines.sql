-- Writes lines of settlement files.
-- Parameter: an array of rows of the table, for unnest of an array per column stores and reads each apart. Rows: none.
INSERT INTO settlement_line (shard, file, number, acquirer, reference, kind, state, operation, gross_minor, fee_minor,
                             settled_on, posted, key, paid)
SELECT * FROM unnest($1::settlement_line[])
