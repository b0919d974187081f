-- Writes new operations.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none.
INSERT INTO operation (
    shard, id, kind, partner, reseller, external_id, amount_minor, status, decline, balance_after, created_at,
    updated_at, last_sequence, counterparty, msisdn, msisdn_salt, product, channel, terminal, allow_repeat,
    charging_reference, submit_by
)
SELECT j.value ->> 'shard', unhex(j.value ->> 'id'), j.value ->> 'kind', unhex(j.value ->> 'partner'),
       unhex(j.value ->> 'reseller'), j.value ->> 'external_id', j.value ->> 'amount_minor',
       j.value ->> 'status', j.value ->> 'decline', j.value ->> 'balance_after', j.value ->> 'created_at',
       j.value ->> 'updated_at', j.value ->> 'last_sequence', unhex(j.value ->> 'counterparty'),
       j.value ->> 'msisdn', unhex(j.value ->> 'msisdn_salt'), j.value ->> 'product', j.value ->> 'channel',
       j.value ->> 'terminal', j.value ->> 'allow_repeat', j.value ->> 'charging_reference',
       j.value ->> 'submit_by'
FROM json_each(?1) AS j
