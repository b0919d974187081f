-- Proposals that nobody decided in time.
-- Parameters: moment, number of the status "pending approval", limit. Rows: ids of operations, the oldest first, by
-- the partial index on the time of expiry.
SELECT e.id
FROM four_eyes e
JOIN operation o ON o.shard = e.shard AND o.id = e.id AND o.status = $2
WHERE e.checker IS NULL AND e.expires_at <= $1
ORDER BY e.expires_at, e.id
LIMIT $3
