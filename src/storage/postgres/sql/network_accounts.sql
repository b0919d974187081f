-- Opens accounts.
-- Parameters: arrays of one column each. Rows: none.
INSERT INTO account (shard, number, class, owner, posted, held, credit_limit,
                     usage_day, usage_count, usage_amount_minor)
SELECT * FROM unnest(
    $1::smallint[], $2::bigint[], $3::smallint[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[],
    $8::integer[], $9::bigint[], $10::bigint[]
)
