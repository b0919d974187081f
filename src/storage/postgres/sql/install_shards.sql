-- Gives each shard an empty log, unless it has one.
-- Parameters: count of shards, created_at, number of the first account of a reseller. Rows: none.
INSERT INTO shard (shard, version, sequence, frontier, recorded_at, next_account)
SELECT number, 0, 0, ''::bytea, $2, $3 FROM generate_series(0, $1::smallint - 1) AS number
ON CONFLICT DO NOTHING
