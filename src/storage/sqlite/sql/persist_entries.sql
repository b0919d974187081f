-- Appends journal entries with their leaves.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none.
INSERT INTO entry (
    shard, sequence, kind, subject, digest, actor, recorded_at, leaf
)
SELECT j.value ->> 'shard', j.value ->> 'sequence', j.value ->> 'kind', unhex(j.value ->> 'subject'),
       unhex(j.value ->> 'digest'), j.value ->> 'actor', j.value ->> 'recorded_at', unhex(j.value ->> 'leaf')
FROM json_each(?1) AS j
