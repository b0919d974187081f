-- A page of one shard's recharges of whole subtrees for numbers of which some digits are known, newest first; the program
-- merges the pages of the shards.
-- Parameters: shard; roots as a JSON array; code of the kind recharge, first id, id before which, created from, created
-- before, least and greatest number, modulus and remainder, limit. Rows: operations by id, descending.
-- The shard is walked from the newest on its primary key, down to the first id, which bounds what is read. The plus signs
-- keep the other indexes out.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM operation o
WHERE o.shard = ?1
  AND o.id >= ?4 AND o.id < ?5
  AND o.created_at >= ?6 AND o.created_at < ?7
  AND o.kind = ?3 AND +o.msisdn BETWEEN ?8 AND ?9 AND o.msisdn % ?10 = ?11
  AND EXISTS (
      SELECT 1 FROM json_each(?2) AS root
      JOIN reseller_ancestor a ON a.ancestor = unhex(root.value)
      WHERE a.descendant = +o.reseller
  )
ORDER BY o.id DESC
LIMIT ?12
