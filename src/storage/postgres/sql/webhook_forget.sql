-- Forgets what was attempted long ago.
-- Parameters: before when. Rows: none.
DELETE FROM webhook_attempt WHERE at < $1
