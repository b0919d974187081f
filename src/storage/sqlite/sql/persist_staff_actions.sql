-- Writes staff actions beside their entries.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none.
INSERT INTO staff_action (
    shard, sequence, recorded_at, kind, subject, actor, via, address, request, reason, reseller, before_json, after_json
)
SELECT j.value ->> 'shard', j.value ->> 'sequence', j.value ->> 'recorded_at', j.value ->> 'kind',
       unhex(j.value ->> 'subject'), j.value ->> 'actor', j.value ->> 'via', j.value ->> 'address',
       j.value ->> 'request', j.value ->> 'reason', unhex(j.value ->> 'reseller'), j.value ->> 'before_json',
       j.value ->> 'after_json'
FROM json_each(?1) AS j
