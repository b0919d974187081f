-- A page of the top-ups whose money was taken and that neither a line of a settlement file nor two persons settled (the
-- record of its item, of kind 106), the oldest first.
-- Parameters: id after which, id before which, begun from, begun before, limit.
-- Rows: operations by id. Each shard is walked on the index operation_topup, whose condition the literal kind is, until a
-- page is full; lines of files stand in shard 0. The statuses are captured, credited, refunded and charged_back.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM shard s
CROSS JOIN LATERAL (
    SELECT o.* FROM operation o
    WHERE o.shard = s.shard
      AND o.id > $1 AND o.id < $2 AND o.created_at >= $3 AND o.created_at < $4
      AND o.kind = 10 AND o.status IN (93, 94, 95, 96)
      AND NOT EXISTS (SELECT 1 FROM settlement_line l WHERE l.shard = 0 AND l.paid = o.id OFFSET 0)
      AND NOT EXISTS (
          SELECT 1 FROM record r
          WHERE r.shard = 0 AND r.kind = 106 AND r.owner = '00000000-0000-0000-0000-000000000000'
            AND r.id = 'itm_' || replace(o.id::text, '-', '')
            AND (r.content::jsonb ->> 'settled')::boolean
          OFFSET 0
      )
    ORDER BY o.id
    LIMIT $5
) AS o
ORDER BY o.id
LIMIT $5
