-- Operations, each with its hold if one is open.
-- Parameters: a JSON array of {shard, id}. Rows: the operations that exist, by the primary keys.
-- CROSS JOIN keeps the order: what is wanted outside, the tables inside.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by,
       h.account AS hold_account, h.amount_minor AS hold_amount_minor,
       h.placed_at AS hold_placed_at, h.due_at AS hold_due_at
FROM json_each(?1) AS j
CROSS JOIN operation o ON o.shard = j.value ->> 'shard' AND o.id = unhex(j.value ->> 'id')
LEFT JOIN hold h ON h.shard = o.shard AND h.operation = o.id
