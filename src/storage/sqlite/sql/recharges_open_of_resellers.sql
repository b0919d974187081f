-- A page of the recharges of a few resellers that wait for an outcome, newest first.
-- Parameters: a JSON array of {shard, reseller}; code of the kind recharge, first id, id before which, created
-- from, created before, status or null, limit. Rows: operations by id, descending.
-- Every operation without an outcome has a hold, and there are few: the page begins with them.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM hold h
CROSS JOIN operation o ON o.shard = h.shard AND o.id = h.operation
WHERE EXISTS (
      SELECT 1 FROM json_each(?1) AS j
      WHERE j.value ->> 'shard' = +o.shard AND unhex(j.value ->> 'reseller') = +o.reseller
  )
  AND o.id >= ?3 AND o.id < ?4
  AND o.created_at >= ?5 AND o.created_at < ?6
  AND o.kind = ?2 AND (?7 IS NULL OR o.status = ?7)
ORDER BY o.id DESC
LIMIT ?8
