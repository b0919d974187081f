-- Operations, each with its hold if one is open.
-- Parameters: shards and ids, pairwise. Rows: the operations that exist, by the primary keys.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by,
       h.account AS hold_account, h.amount_minor AS hold_amount_minor,
       h.placed_at AS hold_placed_at, h.due_at AS hold_due_at
FROM unnest($1::smallint[], $2::uuid[]) AS wanted (shard, id)
JOIN operation o ON o.shard = wanted.shard AND o.id = wanted.id
LEFT JOIN hold h ON h.shard = o.shard AND h.operation = o.id
