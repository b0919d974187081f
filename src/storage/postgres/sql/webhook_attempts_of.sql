-- Attempts to tell of some entries, whoever was to be told, by time.
-- Parameters: shard, sequences. Rows: attempts with their endpoints, by the index webhook_attempt_entry.
-- LATERAL with OFFSET 0 keeps it a probe per row, whatever the planner believed when the table was empty.
SELECT a.endpoint, a.at, a.shard, a.sequence, a.entry_kind, a.recorded_at, a.number, a.outcome, a.status, a.failure,
       a.duration_ms, a.next_at
FROM unnest($2::bigint[]) AS told (sequence)
CROSS JOIN LATERAL (
    SELECT * FROM webhook_attempt t WHERE t.shard = $1 AND t.sequence = told.sequence OFFSET 0
) AS a
ORDER BY a.at, a.sequence, a.endpoint
