-- The accounts of whole shards that stand without a reseller: their numbers are those of their classes.
-- Parameters: shards, the first number of resellers' accounts. Rows: accounts.
-- One range of the primary key per shard; LATERAL with OFFSET 0 keeps it so, however small the table was.
SELECT a.shard, a.number, a.class, a.owner, a.posted, a.held, a.credit_limit, a.usage_day, a.usage_count,
       a.usage_amount_minor
FROM unnest($1::smallint[]) AS wanted (shard)
CROSS JOIN LATERAL (
    SELECT * FROM account t WHERE t.shard = wanted.shard AND t.number < $2 OFFSET 0
) AS a
