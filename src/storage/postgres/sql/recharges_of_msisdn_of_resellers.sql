-- A page of the recharges of one number by a few resellers, newest first.
-- Parameters: number; shards and resellers, pairwise; code of the kind recharge, first id, id before which,
-- created from, created before, status or null, limit. Rows: operations by id, descending.
-- A number has few recharges: LATERAL reads them from the index operation_msisdn of each shard.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM shard s
CROSS JOIN LATERAL (
    SELECT o.* FROM operation o
    WHERE o.shard = s.shard AND o.msisdn = $1
      AND (o.shard, o.reseller) IN (SELECT * FROM unnest($2::smallint[], $3::uuid[]))
      AND o.id >= $5 AND o.id < $6
      AND o.created_at >= $7 AND o.created_at < $8
      AND o.kind = $4 AND ($9::smallint IS NULL OR o.status = $9)
    ORDER BY o.id DESC
    LIMIT $10
) AS o
ORDER BY o.id DESC
LIMIT $10
