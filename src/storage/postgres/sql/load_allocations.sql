-- The terms of allocations.
-- Parameters: shards and ids of operations, pairwise. Rows: those that exist, by the primary key.
SELECT a.shard, a.id, a.terms, a.reason, a.asked_minor, a.is_top_up, a.net_minor, a.vat_minor,
       a.discount_minor, a.residue_minor, a.catalogue, a.run, a.line
FROM unnest($1::smallint[], $2::uuid[]) AS wanted (shard, id)
CROSS JOIN LATERAL (
    SELECT * FROM allocation t WHERE t.shard = wanted.shard AND t.id = wanted.id OFFSET 0
) AS a
