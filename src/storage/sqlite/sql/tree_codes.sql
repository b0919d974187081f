-- Who has these codes.
-- Parameters: a JSON array of codes. Rows: code and id, by the unique index on codes.
SELECT r.code, r.id FROM json_each(?1) AS j CROSS JOIN reseller r ON r.code = j.value
