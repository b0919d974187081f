-- A page of one shard's recharges that were completed, taken back since or not, that no line of the charging system's record tells of, the oldest first; the
-- program merges the pages of the shards.
-- Parameters: shard; id after which, id before which, begun from, begun before, limit.
-- Rows: operations by id, by the primary key; lines of files stand in shard 0.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM operation o
WHERE o.shard = ?1
  AND o.id > ?2 AND o.id < ?3 AND o.created_at >= ?4 AND o.created_at < ?5
  AND o.kind = 1 AND o.status IN (2, 5, 6)
  AND NOT EXISTS (SELECT 1 FROM settlement_line l WHERE l.shard = 0 AND l.paid = o.id)
ORDER BY o.id
LIMIT ?6
