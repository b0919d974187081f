-- A page of one shard's reversals in whole subtrees, newest first; the program merges the pages of the shards.
-- Parameters: shard; roots as a JSON array; first id, id before which, created from, created before, status or null,
-- limit.
-- Rows: operations by id, descending.
-- The shard is walked from the newest on the index operation_reversal, whose condition the literal kind is, until a page
-- is full. The plus sign keeps an index by reseller out.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM operation o
WHERE o.shard = ?1
  AND o.id >= ?3 AND o.id < ?4
  AND o.created_at >= ?5 AND o.created_at < ?6
  AND o.kind = 15 AND (?7 IS NULL OR o.status = ?7)
  AND EXISTS (
      SELECT 1 FROM json_each(?2) AS root
      JOIN reseller_ancestor a ON a.ancestor = unhex(root.value)
      WHERE a.descendant = +o.reseller
  )
ORDER BY o.id DESC
LIMIT ?8
