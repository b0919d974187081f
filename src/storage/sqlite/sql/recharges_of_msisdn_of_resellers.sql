-- A page of the recharges of one number by a few resellers, newest first.
-- Parameters: number; a JSON array of {shard, reseller}; code of the kind recharge, first id, id before which,
-- created from, created before, status or null, limit. Rows: operations by id, descending.
-- A number has few recharges: they are read from the index operation_msisdn and then filtered.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM shard s
CROSS JOIN operation o ON o.shard = s.shard AND o.msisdn = ?1
WHERE EXISTS (
      SELECT 1 FROM json_each(?2) AS j
      WHERE j.value ->> 'shard' = +o.shard AND unhex(j.value ->> 'reseller') = +o.reseller
  )
  AND o.id >= ?4 AND o.id < ?5
  AND o.created_at >= ?6 AND o.created_at < ?7
  AND o.kind = ?3 AND (?8 IS NULL OR o.status = ?8)
ORDER BY o.id DESC
LIMIT ?9
