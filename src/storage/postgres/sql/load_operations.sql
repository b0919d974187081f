-- Operations, each with its hold if one is open.
-- Parameters: shards and ids, pairwise. Rows: the operations that exist, by the primary keys.
-- LATERAL with OFFSET 0 keeps it a probe per row, whatever the planner believed when the table was empty.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by,
       h.account AS hold_account, h.amount_minor AS hold_amount_minor,
       h.placed_at AS hold_placed_at, h.due_at AS hold_due_at
FROM unnest($1::smallint[], $2::uuid[]) AS wanted (shard, id)
CROSS JOIN LATERAL (
    SELECT * FROM operation t WHERE t.shard = wanted.shard AND t.id = wanted.id OFFSET 0
) AS o
LEFT JOIN LATERAL (
    SELECT * FROM hold t WHERE t.shard = wanted.shard AND t.operation = wanted.id OFFSET 0
) AS h ON true
