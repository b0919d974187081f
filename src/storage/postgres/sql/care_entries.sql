-- Which entries of a shard are about some subjects, within windows of its journal.
-- Parameters: shard, subjects, and windows pairwise: behind this sequence, up to this one. Rows: sequences, ascending.
-- There is no index by subject, which each entry of each recharge would pay for: a window is a range of the primary
-- key, read whole. OFFSET 0 keeps each window a range of its own.
SELECT DISTINCT e.sequence
FROM unnest($3::bigint[], $4::bigint[]) AS looked (behind, up_to)
CROSS JOIN LATERAL (
    SELECT t.sequence FROM entry t
    WHERE t.shard = $1 AND t.sequence > looked.behind AND t.sequence <= looked.up_to AND t.subject = ANY ($2)
    OFFSET 0
) AS e
ORDER BY e.sequence
