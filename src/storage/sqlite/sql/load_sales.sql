-- What was sold in a shard lately and not taken back as a whole (status 6): a new memory of it begins with that.
-- Parameters: shard, first id, created after, codes of the kind recharge and of the status declined, limit.
-- Rows: reseller, number, amount and creation time, by a range of the primary key.
SELECT reseller, msisdn, amount_minor, created_at
FROM operation
WHERE shard = ?1 AND id >= ?2 AND created_at > ?3
  AND kind = ?4 AND status NOT IN (?5, 6) AND msisdn IS NOT NULL
ORDER BY shard, id
LIMIT ?6
