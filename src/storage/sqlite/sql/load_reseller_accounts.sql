-- All accounts of resellers.
-- Parameters: a JSON array of {shard, reseller}. Rows: accounts, by the index account_owner.
-- CROSS JOIN keeps the order: what is wanted outside, the table inside. The index is named: it is partial, and without
-- its condition and its name SQLite would walk all accounts of the shard for each.
SELECT a.shard, a.number, a.class, a.owner, a.posted, a.held, a.credit_limit, a.usage_day, a.usage_count,
       a.usage_amount_minor
FROM json_each(?1) AS j
CROSS JOIN account a INDEXED BY account_owner
    ON a.shard = j.value ->> 'shard' AND a.owner = unhex(j.value ->> 'reseller') AND a.owner IS NOT NULL
