-- One operation.
-- Parameters: shard, id. Rows: at most one, by the primary key.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM operation o
WHERE o.shard = $1 AND o.id = $2
