-- A page of the recharges of whole subtrees that wait for an outcome, newest first.
-- Parameters: roots; code of the kind recharge, first id, id before which, created from, created before, status or
-- null, limit. Rows: operations by id, descending.
-- Every operation without an outcome has a hold, and there are few: the page begins with them. OFFSET 0 keeps
-- the order: holds outside, operations inside.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM hold h
CROSS JOIN LATERAL (
    SELECT o.* FROM operation o
    WHERE o.shard = h.shard AND o.id = h.operation
    OFFSET 0
) AS o
WHERE EXISTS (
      SELECT 1 FROM reseller_ancestor a
      WHERE a.ancestor = ANY ($1) AND a.descendant = o.reseller
      OFFSET 0
  )
  AND o.id >= $3 AND o.id < $4
  AND o.created_at >= $5 AND o.created_at < $6
  AND o.kind = $2 AND ($7::smallint IS NULL OR o.status = $7)
ORDER BY o.id DESC
LIMIT $8
