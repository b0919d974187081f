-- Keeps the numbers of a case under their digest.
-- Parameters: digest, salt, number of the subscriber or null, number to call back. Rows: none.
INSERT INTO case_number (digest, salt, subscriber, call_back) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
