-- Makes a node the one that works for an endpoint, unless another one is.
-- Parameters: endpoint, node, now, until. Rows: none; none affected when another one is.
INSERT INTO webhook_health (endpoint, node, leased_until) VALUES ($1, $2, $4)
ON CONFLICT (endpoint) DO UPDATE SET node = excluded.node, leased_until = excluded.leased_until
WHERE webhook_health.node IS NULL OR webhook_health.node = excluded.node OR webhook_health.leased_until <= $3
