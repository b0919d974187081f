-- A page of one shard's transfers that anybody in whole subtrees sent or receives, newest first; the program merges
-- the pages of the shards.
-- Parameters: shard; roots as a JSON array; first id, id before which, created from, created before, status or null,
-- limit.
-- Rows: operations by id, descending.
-- The shard is walked from the newest on the index operation_transfer, whose condition the literal kinds are, until a
-- page is full. The plus signs keep the indexes by reseller out.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM operation o
WHERE o.shard = ?1
  AND o.id >= ?3 AND o.id < ?4
  AND o.created_at >= ?5 AND o.created_at < ?6
  AND o.kind IN (7, 8) AND (?7 IS NULL OR o.status = ?7)
  AND EXISTS (
      SELECT 1 FROM json_each(?2) AS root
      JOIN reseller_ancestor a ON a.ancestor = unhex(root.value)
      WHERE a.descendant IN (+o.reseller, +o.counterparty)
  )
ORDER BY o.id DESC
LIMIT ?8
