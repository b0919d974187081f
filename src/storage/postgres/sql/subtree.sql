-- A page of all resellers below some roots, the roots included, each once.
-- Parameters: roots, id after which, limit. Rows: resellers by id, ascending.
-- LATERAL takes at most a page per root from its range of the primary key (ancestor, descendant).
SELECT r.id, r.code, r.name, r.level, r.parent, r.created_at
FROM (
    SELECT DISTINCT below.descendant
    FROM unnest($1::uuid[]) AS root (id)
    CROSS JOIN LATERAL (
        SELECT a.descendant FROM reseller_ancestor a
        WHERE a.ancestor = root.id AND a.descendant > $2
        ORDER BY a.descendant
        LIMIT $3
    ) AS below
    ORDER BY below.descendant
    LIMIT $3
) AS page
JOIN reseller r ON r.id = page.descendant
ORDER BY r.id
