-- Gives tombstones the content of the late request for their key, and recharges that were sent on to another charging
-- system their new reference.
-- Parameters, arrays of one column each: shard, id, then every column that may change. Rows: none; as many are
-- changed as were sent.
-- Probed by primary key and reached by their place, as in persist.sql.
UPDATE operation AS o
SET amount_minor = n.amount_minor, status = n.status, decline = n.decline,
    balance_after = n.balance_after, updated_at = n.updated_at, last_sequence = n.last_sequence,
    counterparty = n.counterparty, msisdn = n.msisdn, msisdn_salt = n.msisdn_salt, product = n.product,
    channel = n.channel, terminal = n.terminal, allow_repeat = n.allow_repeat,
    charging_reference = n.charging_reference, submit_by = n.submit_by
FROM unnest(
    $1::smallint[], $2::uuid[], $3::bigint[], $4::smallint[], $5::text[], $6::bigint[],
    $7::bigint[], $8::bigint[], $9::uuid[], $10::bigint[], $11::bytea[], $12::text[],
    $13::smallint[], $14::text[], $15::boolean[], $16::bigint[], $17::bigint[]
) AS n (shard, id, amount_minor, status, decline, balance_after, updated_at, last_sequence, counterparty,
        msisdn, msisdn_salt, product, channel, terminal, allow_repeat, charging_reference, submit_by)
CROSS JOIN LATERAL (
    SELECT t.ctid AS place FROM operation t WHERE t.shard = n.shard AND t.id = n.id OFFSET 0
) AS found
WHERE o.ctid = found.place
