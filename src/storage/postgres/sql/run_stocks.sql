-- Standing and available stock of resellers.
-- Parameters: shards and ids, pairwise. Rows: those that exist, by the primary keys.
SELECT s.reseller, s.standing, c.posted - c.held AS available
FROM unnest($1::smallint[], $2::uuid[]) AS wanted (shard, id)
CROSS JOIN LATERAL (
    SELECT * FROM reseller_state t WHERE t.shard = wanted.shard AND t.reseller = wanted.id OFFSET 0
) AS s
CROSS JOIN LATERAL (
    SELECT * FROM account t WHERE t.shard = s.shard AND t.number = s.stock_account OFFSET 0
) AS c
