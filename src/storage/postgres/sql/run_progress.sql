-- What a run has come to so far.
-- Parameters: shard, run, number of the status "completed". Rows: one; how many lines were carried out, how many of
-- their allocations were declined, and the face value handed over. Operations one by one by their primary key.
SELECT CAST(coalesce(sum(CASE WHEN o.status = $3 THEN 1 ELSE 0 END), 0) AS bigint),
       CAST(coalesce(sum(CASE WHEN o.status = $3 THEN 0 ELSE 1 END), 0) AS bigint),
       CAST(coalesce(sum(CASE WHEN o.status = $3 THEN o.amount_minor ELSE 0 END), 0) AS bigint)
FROM allocation a
CROSS JOIN LATERAL (
    SELECT t.status, t.amount_minor FROM operation t WHERE t.shard = a.shard AND t.id = a.id OFFSET 0
) AS o
WHERE a.shard = $1 AND a.run = $2
