-- A page of the reversals of whole subtrees, newest first.
-- Parameters: roots; first id, id before which, created from, created before, status or null, limit.
-- Rows: operations by id, descending.
-- Each shard is walked from the newest on the index operation_reversal, whose condition the literal kind is, until a page
-- is full. OFFSET 0 keeps the look-up of the ancestor a probe per row.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM shard s
CROSS JOIN LATERAL (
    SELECT o.* FROM operation o
    WHERE o.shard = s.shard
      AND o.id >= $2 AND o.id < $3
      AND o.created_at >= $4 AND o.created_at < $5
      AND o.kind = 15 AND ($6::smallint IS NULL OR o.status = $6)
      AND EXISTS (
          SELECT 1 FROM reseller_ancestor a
          WHERE a.ancestor = ANY ($1) AND a.descendant = o.reseller
          OFFSET 0
      )
    ORDER BY o.id DESC
    LIMIT $7
) AS o
ORDER BY o.id DESC
LIMIT $7
