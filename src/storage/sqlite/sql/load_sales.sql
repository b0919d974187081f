-- What was sold in a shard lately: a new memory of it begins with that.
-- Parameters: shard, first id, created after, codes of the kind recharge and of the status declined, limit.
-- Rows: reseller, number, amount and creation time, by a range of the primary key.
SELECT reseller, msisdn, amount_minor, created_at
FROM operation
WHERE shard = ?1 AND id >= ?2 AND created_at > ?3
  AND kind = ?4 AND status <> ?5 AND msisdn IS NOT NULL
ORDER BY shard, id
LIMIT ?6
