-- What recharges, top-ups and reversals (kinds 1, 10 and 15) of whole subtrees that began within a time sum to, by kind and status.
-- Parameters: roots; first id, id before which, created from, created before.
-- Rows: kind, status, count, amount. Each shard is walked on its primary key; OFFSET 0 keeps the look-up of the ancestor a
-- probe per row.
SELECT o.kind, o.status, count(*)::bigint, least(sum(o.amount_minor), 9223372036854775807)::bigint
FROM shard s
CROSS JOIN LATERAL (
    SELECT o.kind, o.status, o.amount_minor FROM operation o
    WHERE o.shard = s.shard
      AND o.id >= $2 AND o.id < $3
      AND o.created_at >= $4 AND o.created_at < $5
      AND o.kind IN (1, 10, 15)
      AND EXISTS (
          SELECT 1 FROM reseller_ancestor a
          WHERE a.ancestor = ANY ($1) AND a.descendant = o.reseller
          OFFSET 0
      )
    OFFSET 0
) AS o
GROUP BY o.kind, o.status
