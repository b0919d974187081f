-- An event waits no longer.
-- Parameters: endpoint, shard, sequence. Rows: none.
DELETE FROM webhook_waiting WHERE endpoint = ?1 AND shard = ?2 AND sequence = ?3
