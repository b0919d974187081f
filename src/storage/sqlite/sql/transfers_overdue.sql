-- Transfers that wait for acceptance although their time is over, the longest due first.
-- Parameters: due at or before, limit. Rows: operations.
-- The table of holds is small: only what is open is in it.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM hold h
CROSS JOIN operation o ON o.shard = h.shard AND o.id = h.operation
WHERE h.due_at <= ?1 AND o.kind IN (7, 8)
ORDER BY h.due_at, h.operation
LIMIT ?2
