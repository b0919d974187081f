-- What recharges, top-ups and reversals (kinds 1, 10 and 15) of whole subtrees that began within a time sum to, by kind and status.
-- Parameters: roots as a JSON array; first id, id before which, created from, created before.
-- Rows: kind, status, count, amount. Each shard is walked on its primary key: the plus sign keeps the index
-- operation_reseller out, and whether a reseller lies below is looked up once per row.
SELECT o.kind, o.status, count(*), sum(o.amount_minor)
FROM shard s
CROSS JOIN operation o ON o.shard = s.shard AND o.id >= ?2 AND o.id < ?3
WHERE o.created_at >= ?4 AND o.created_at < ?5
  AND o.kind IN (1, 10, 15)
  AND EXISTS (
      SELECT 1 FROM json_each(?1) AS root
      JOIN reseller_ancestor a ON a.ancestor = unhex(root.value)
      WHERE a.descendant = +o.reseller
  )
GROUP BY o.kind, o.status
