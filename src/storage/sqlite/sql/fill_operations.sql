-- Gives tombstones the content of the late request for their key, and recharges that were sent on to another charging
-- system their new reference.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none; as many are changed as were sent.
UPDATE operation
SET amount_minor = j.value ->> 'amount_minor', status = j.value ->> 'status', decline = j.value ->> 'decline',
    balance_after = j.value ->> 'balance_after', updated_at = j.value ->> 'updated_at',
    last_sequence = j.value ->> 'last_sequence', counterparty = unhex(j.value ->> 'counterparty'),
    msisdn = j.value ->> 'msisdn', msisdn_salt = unhex(j.value ->> 'msisdn_salt'),
    product = j.value ->> 'product', channel = j.value ->> 'channel', terminal = j.value ->> 'terminal',
    allow_repeat = j.value ->> 'allow_repeat', charging_reference = j.value ->> 'charging_reference',
    submit_by = j.value ->> 'submit_by'
FROM json_each(?1) AS j
WHERE operation.shard = j.value ->> 'shard' AND operation.id = unhex(j.value ->> 'id')
