-- The operation that claimed a key. The caller compares the full key: the 16 bytes are a truncated hash.
-- Parameters: shard, key. Rows: at most one, by the primary keys.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM claim c
JOIN operation o ON o.shard = c.shard AND o.id = c.operation
WHERE c.shard = $1 AND c.key = $2
