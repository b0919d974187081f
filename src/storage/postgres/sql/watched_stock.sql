-- Resellers whose stock is watched and is low, or is not where the last alert says. Reads every watch of the shard.
-- Parameters: shard, kind of watches, kind of alerts, class of reseller stock. Rows: reseller, its watch, what is
-- available, version of the alert, whether that says low.
SELECT w.owner, w.content AS watch, s.posted - s.held AS available, COALESCE(a.version, 0) AS alert,
       COALESCE((a.content::jsonb ->> 'is_low')::boolean, false) AS was_low
FROM record w
JOIN LATERAL (
    SELECT * FROM account t WHERE t.shard = $1 AND t.owner = w.owner AND t.class = $4 OFFSET 0
) AS s ON true
LEFT JOIN LATERAL (
    SELECT * FROM record t WHERE t.shard = $1 AND t.kind = $3 AND t.owner = w.owner AND t.id = w.id OFFSET 0
) AS a ON true
WHERE w.shard = $1 AND w.kind = $2
  AND ((s.posted - s.held < (w.content::jsonb ->> 'threshold_minor')::bigint) OR COALESCE((a.content::jsonb ->> 'is_low')::boolean, false))
ORDER BY w.owner
