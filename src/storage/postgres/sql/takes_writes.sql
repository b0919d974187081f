-- Whether the database takes writes: a standby and a read-only session do not.
-- Rows: one.
SELECT current_setting('transaction_read_only') = 'off' AND NOT pg_is_in_recovery()
