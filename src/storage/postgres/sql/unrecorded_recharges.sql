-- A page of the recharges that were completed, taken back since or not, that no line of the charging system's record tells of, the oldest first.
-- Parameters: id after which, id before which, begun from, begun before, limit.
-- Rows: operations by id, by the primary key of each shard until a page is full; lines of files stand in shard 0.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM shard s
CROSS JOIN LATERAL (
    SELECT o.* FROM operation o
    WHERE o.shard = s.shard
      AND o.id > $1 AND o.id < $2 AND o.created_at >= $3 AND o.created_at < $4
      AND o.kind = 1 AND o.status IN (2, 5, 6)
      AND NOT EXISTS (SELECT 1 FROM settlement_line l WHERE l.shard = 0 AND l.paid = o.id OFFSET 0)
    ORDER BY o.id
    LIMIT $5
) AS o
ORDER BY o.id
LIMIT $5
