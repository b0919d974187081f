-- Resellers by code or id, as far as they lie below the roots.
-- Parameters: JSON arrays of codes, of ids and of roots, ids as hexadecimal digits. Rows: id and code of each, once.
SELECT r.id, r.code
FROM reseller r
WHERE (r.code IN (SELECT value FROM json_each(?1)) OR r.id IN (SELECT unhex(value) FROM json_each(?2)))
  AND EXISTS (
      SELECT 1 FROM reseller_ancestor a
      WHERE a.descendant = r.id AND a.ancestor IN (SELECT unhex(value) FROM json_each(?3))
  )
