-- A page of what is open of top-ups and refunds (kinds 10 and 11), by id, so the oldest first.
-- Parameters: id of the last one of the page before, limit. Rows: operations.
-- The table of open ones is small.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM topup_open t
CROSS JOIN operation o ON o.shard = t.shard AND o.id = t.id
WHERE t.id > ?1 AND o.kind IN (10, 11)
ORDER BY t.id
LIMIT ?2
