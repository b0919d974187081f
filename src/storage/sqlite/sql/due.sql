-- A page of the operations whose hold is due, the longest due first.
-- Parameters: due at or before, due time and id of the last one of the page before, limit. Rows: operations.
-- Transfers that wait for acceptance hold stock as well; they are no doubt of ours.
-- The table of holds is small: only what is open is in it.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM hold h
CROSS JOIN operation o ON o.shard = h.shard AND o.id = h.operation
WHERE o.kind = 1 AND h.due_at <= ?1 AND (h.due_at, h.operation) > (?2, ?3)
ORDER BY h.due_at, h.operation
LIMIT ?4
