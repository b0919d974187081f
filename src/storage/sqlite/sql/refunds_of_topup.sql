-- A page of the refunds of one top-up, or of the reversals of one recharge, newest first.
-- Parameters: shard, top-up, id before which, limit. Rows: operations by id, descending.
-- Of the states of a refund the one that its operation's row means. CROSS JOIN keeps the order.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM topup_state t
CROSS JOIN operation o ON o.shard = t.shard AND o.id = t.id AND o.last_sequence = t.sequence
WHERE t.shard = ?1 AND t.topup = ?2 AND t.id < ?3
ORDER BY t.id DESC
LIMIT ?4
