-- Gives each shard an empty log, unless it has one.
-- Parameters: shards as a JSON array, created_at, number of the first account of a reseller. Rows: none.
INSERT INTO shard (shard, version, sequence, frontier, recorded_at, next_account)
SELECT j.value, 0, 0, x'', ?2, ?3 FROM json_each(?1) AS j
WHERE true
ON CONFLICT DO NOTHING
