-- A page of the top-ups of one reseller, newest first.
-- Parameters: shard, reseller; first id, id before which, created from, created before, status or null, limit.
-- Rows: operations by id, descending. The literal kind is the condition of the index operation_topup_reseller.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM operation o
WHERE o.shard = $1 AND o.reseller = $2
  AND o.id >= $3 AND o.id < $4
  AND o.created_at >= $5 AND o.created_at < $6
  AND o.kind = 10 AND ($7::smallint IS NULL OR o.status = $7)
ORDER BY o.id DESC
LIMIT $8
