-- A page of the recharges of whole subtrees for numbers of which some digits are known, newest first.
-- Parameters: roots; code of the kind recharge, first id, id before which, created from, created before, least and
-- greatest number, modulus and remainder, limit. Rows: operations by id, descending.
-- Each shard is walked from the newest on its primary key, down to the first id, which bounds what is read; the sum keeps
-- the index by number out. OFFSET 0 keeps the look-up of the ancestor a probe per row.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM shard s
CROSS JOIN LATERAL (
    SELECT o.* FROM operation o
    WHERE o.shard = s.shard
      AND o.id >= $3 AND o.id < $4
      AND o.created_at >= $5 AND o.created_at < $6
      AND o.kind = $2 AND o.msisdn + 0 BETWEEN $7 AND $8 AND o.msisdn % $9 = $10
      AND EXISTS (
          SELECT 1 FROM reseller_ancestor a
          WHERE a.ancestor = ANY ($1) AND a.descendant = o.reseller
          OFFSET 0
      )
    ORDER BY o.id DESC
    LIMIT $11
) AS o
ORDER BY o.id DESC
LIMIT $11
