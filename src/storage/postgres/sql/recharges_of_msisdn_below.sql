-- A page of the recharges of one number in whole subtrees, newest first.
-- Parameters: number; roots; code of the kind recharge, first id, id before which, created from, created before,
-- status or null, limit. Rows: operations by id, descending.
-- A number has few recharges: LATERAL reads them from the index operation_msisdn of each shard.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM shard s
CROSS JOIN LATERAL (
    SELECT o.* FROM operation o
    WHERE o.shard = s.shard AND o.msisdn = $1
      AND o.id >= $4 AND o.id < $5
      AND o.created_at >= $6 AND o.created_at < $7
      AND o.kind = $3 AND ($8::smallint IS NULL OR o.status = $8)
      AND EXISTS (
          SELECT 1 FROM reseller_ancestor a
          WHERE a.ancestor = ANY ($2) AND a.descendant = o.reseller
          OFFSET 0
      )
    ORDER BY o.id DESC
    LIMIT $9
) AS o
ORDER BY o.id DESC
LIMIT $9
