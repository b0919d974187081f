-- Writes items of evidence beside their entries.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none.
INSERT INTO evidence (
    shard, operation, sequence, kind, system, reference, says, decline, observed_at, excerpt, effect, submit_by,
    promised_at
)
SELECT j.value ->> 'shard', unhex(j.value ->> 'operation'), j.value ->> 'sequence', j.value ->> 'kind',
       j.value ->> 'system', j.value ->> 'reference', j.value ->> 'says', j.value ->> 'decline',
       j.value ->> 'observed_at', j.value ->> 'excerpt', j.value ->> 'effect', j.value ->> 'submit_by',
       j.value ->> 'promised_at'
FROM json_each(?1) AS j
