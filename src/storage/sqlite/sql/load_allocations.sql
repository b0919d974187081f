-- The terms of allocations.
-- Parameters: a JSON array of {shard, id} of operations. Rows: those that exist, by the primary key.
-- CROSS JOIN keeps the order: what is wanted outside, the table inside.
SELECT a.shard, a.id, a.terms, a.reason, a.asked_minor, a.is_top_up, a.net_minor, a.vat_minor,
       a.discount_minor, a.residue_minor, a.catalogue, a.run, a.line
FROM json_each(?1) AS j
CROSS JOIN allocation a ON a.shard = j.value ->> 'shard' AND a.id = unhex(j.value ->> 'id')
