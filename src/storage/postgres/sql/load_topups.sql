-- The last states of top-ups.
-- Parameters: shards, ids and last sequences of operations, side by side. Rows: those that exist, by the primary key.
SELECT t.shard, t.id, t.sequence, t.acquirer, t.reference, t.content
FROM unnest($1::smallint[], $2::uuid[], $3::bigint[]) AS wanted (shard, id, sequence)
CROSS JOIN LATERAL (
    SELECT * FROM topup_state s
    WHERE s.shard = wanted.shard AND s.id = wanted.id AND s.sequence = wanted.sequence OFFSET 0
) AS t
