-- Nothing changes here: on SQLite a posting stays a row of its own table, which is its index as well (WITHOUT ROWID)
-- and is written in order. On PostgreSQL the lines of an entry stand in the entry's row.
SELECT 1;
