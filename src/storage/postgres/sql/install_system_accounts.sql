-- Opens the accounts that stand without a reseller, unless they are there.
-- Parameters: shards, numbers and classes, pairwise. Rows: none.
INSERT INTO account (shard, number, class, posted, held, credit_limit, usage_day, usage_count, usage_amount_minor)
SELECT shard, number, class, 0, 0, 0, 0, 0, 0
FROM unnest($1::smallint[], $2::bigint[], $3::smallint[]) AS system (shard, number, class)
ON CONFLICT DO NOTHING
