-- What was asked of runs, and what they came to.
-- Parameters: shards and ids of operations, pairwise. Rows: those that exist, by the primary key.
SELECT a.shard, a.id, a.terms, a.reason, a.started_by, a.request, a.lines, a.lines_digest, a.done, a.refused, a.amount_minor
FROM unnest($1::smallint[], $2::uuid[]) AS wanted (shard, id)
CROSS JOIN LATERAL (
    SELECT * FROM allocation_run t WHERE t.shard = wanted.shard AND t.id = wanted.id OFFSET 0
) AS a
