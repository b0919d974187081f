-- A page of one shard's top-ups whose money was taken and that neither a line of a settlement file nor two persons
-- settled (the record of its item, of kind 106), the oldest first;
-- the program merges the pages of the shards.
-- Parameters: shard; id after which, id before which, begun from, begun before, limit.
-- Rows: operations by id. The shard is walked on the index operation_topup, whose condition the literal kind is; lines of
-- files stand in shard 0. The statuses are captured, credited, refunded and charged_back.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM operation o
WHERE o.shard = ?1
  AND o.id > ?2 AND o.id < ?3 AND o.created_at >= ?4 AND o.created_at < ?5
  AND o.kind = 10 AND o.status IN (93, 94, 95, 96)
  AND NOT EXISTS (SELECT 1 FROM settlement_line l WHERE l.shard = 0 AND l.paid = o.id)
  AND NOT EXISTS (
      SELECT 1 FROM record r
      WHERE r.shard = 0 AND r.kind = 106 AND r.owner = zeroblob(16) AND r.id = 'itm_' || lower(hex(o.id))
        AND r.content ->> 'settled'
  )
ORDER BY o.id
LIMIT ?6
