-- A page of the declined recharges of one reseller, newest first; the program merges the pages of several.
-- Parameters: shard, reseller; code of the kind recharge, first id, id before which, created from, created before,
-- status or null, limit. Rows: operations by id, descending.
-- The end of the reseller's range of the index operation_declined; SQLite has no LATERAL to take several so.
-- The literals of kind and decline are the condition of that index: what is rare is not searched for among all.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM operation o
WHERE o.shard = ?1 AND o.reseller = ?2
  AND o.id >= ?4 AND o.id < ?5
  AND o.created_at >= ?6 AND o.created_at < ?7
  AND o.kind = ?3 AND o.kind = 1 AND o.decline IS NOT NULL AND (?8 IS NULL OR o.status = ?8)
ORDER BY o.id DESC
LIMIT ?9
