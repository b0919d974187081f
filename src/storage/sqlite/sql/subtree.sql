-- A page of all resellers below some roots, the roots included, each once.
-- Parameters: roots as a JSON array, id after which, limit. Rows: resellers by id, ascending.
SELECT r.id, r.code, r.name, r.level, r.parent, r.created_at
FROM (
    SELECT DISTINCT a.descendant
    FROM json_each(?1) AS root
    CROSS JOIN reseller_ancestor a ON a.ancestor = unhex(root.value) AND a.descendant > ?2
    ORDER BY a.descendant
    LIMIT ?3
) AS page
JOIN reseller r ON r.id = page.descendant
ORDER BY r.id
