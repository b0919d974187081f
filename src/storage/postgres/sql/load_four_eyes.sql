-- What stands for proposals: who made them, why, and who decided.
-- Parameters: shards and ids of operations, pairwise. Rows: those that exist, by the primary key.
SELECT e.shard, e.id, e.maker, e.reason, e.document, e.expires_at, e.reseller, e.direction, e.limits, e.resolution,
       e.recharge, e.stated, e.checker, e.ruling, e.ruling_reason, e.ruled_at
FROM unnest($1::smallint[], $2::uuid[]) AS wanted (shard, id)
CROSS JOIN LATERAL (
    SELECT * FROM four_eyes t WHERE t.shard = wanted.shard AND t.id = wanted.id OFFSET 0
) AS e
