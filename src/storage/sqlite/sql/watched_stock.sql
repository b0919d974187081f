-- Resellers whose stock is watched and is low, or is not where the last alert says. Reads every watch of the shard.
-- Parameters: shard, kind of watches, kind of alerts, class of reseller stock. Rows: reseller, its watch, what is
-- available, version of the alert, whether that says low.
SELECT w.owner, w.content AS watch, s.posted - s.held AS available, COALESCE(a.version, 0) AS alert,
       COALESCE((a.content ->> 'is_low'), 0) AS was_low
FROM record w
CROSS JOIN account s ON s.shard = ?1 AND s.owner = w.owner AND s.class = ?4
LEFT JOIN record a ON a.shard = ?1 AND a.kind = ?3 AND a.owner = w.owner AND a.id = w.id
WHERE w.shard = ?1 AND w.kind = ?2
  AND ((s.posted - s.held < (w.content ->> 'threshold_minor')) OR COALESCE((a.content ->> 'is_low'), 0))
ORDER BY w.owner
