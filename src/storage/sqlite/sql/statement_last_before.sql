-- The last entry of a shard that was recorded before a time: by halving, for recorded time never goes back within
-- a shard and the sequence has no gap. As many probes of the primary key as the log's length has binary digits.
-- Parameters: shard, milliseconds since 1970, sequence of the last entry to look at. Rows: one, 0 for none.
WITH RECURSIVE search (low, high) AS (
    SELECT 0, ?3
    UNION ALL
    SELECT CASE WHEN e.recorded_at < ?2 THEN e.sequence ELSE search.low END,
           CASE WHEN e.recorded_at < ?2 THEN search.high ELSE e.sequence - 1 END
    FROM search
    CROSS JOIN entry e ON e.shard = ?1 AND e.sequence = (search.low + search.high + 1) / 2
    WHERE search.low < search.high
)
SELECT low FROM search WHERE low = high
