-- Attempts to tell of some entries, whoever was to be told, by time.
-- Parameters: shard; sequences as a JSON array. Rows: attempts with their endpoints, by the index
-- webhook_attempt_entry. CROSS JOIN keeps the order: what is wanted outside, the table inside.
SELECT a.endpoint, a.at, a.shard, a.sequence, a.entry_kind, a.recorded_at, a.number, a.outcome, a.status, a.failure,
       a.duration_ms, a.next_at
FROM json_each(?2) AS j
CROSS JOIN webhook_attempt a ON a.shard = ?1 AND a.sequence = j.value
ORDER BY a.at, a.sequence, a.endpoint
