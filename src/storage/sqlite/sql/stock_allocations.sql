-- Writes the terms of new allocations.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none.
INSERT INTO allocation (
    shard, id, terms, reason, asked_minor, is_top_up, net_minor, vat_minor, discount_minor, residue_minor, catalogue, run, line
)
SELECT j.value ->> 'shard', unhex(j.value ->> 'id'), j.value ->> 'terms', j.value ->> 'reason',
       j.value ->> 'asked_minor', j.value ->> 'is_top_up', j.value ->> 'net_minor', j.value ->> 'vat_minor',
       j.value ->> 'discount_minor', j.value ->> 'residue_minor', j.value ->> 'catalogue',
       unhex(j.value ->> 'run'), j.value ->> 'line'
FROM json_each(?1) AS j
