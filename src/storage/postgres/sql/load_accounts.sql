-- Accounts by number.
-- Parameters: shards and numbers, pairwise. Rows: accounts, by the primary key.
-- LATERAL with OFFSET 0 keeps it a probe per row, whatever the planner believed when the table was empty.
SELECT a.shard, a.number, a.class, a.owner, a.posted, a.held, a.credit_limit, a.usage_day, a.usage_count,
       a.usage_amount_minor
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, number)
CROSS JOIN LATERAL (
    SELECT * FROM account t WHERE t.shard = wanted.shard AND t.number = wanted.number OFFSET 0
) AS a
