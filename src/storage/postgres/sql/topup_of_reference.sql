-- The top-up that an acquirer knows by its own id.
-- Parameters: acquirer, reference. Rows: shard and id.
SELECT shard, id FROM topup_state WHERE acquirer = $1 AND reference = $2 ORDER BY sequence DESC LIMIT 1
