-- The items of evidence of a page of the journal.
-- Parameters: shard, after this sequence, up to this one. Rows: items by sequence, by the index evidence_entry.
SELECT shard, operation, sequence, kind, system, reference, says, decline, observed_at, excerpt, effect, submit_by,
       promised_at
FROM evidence
WHERE shard = ?1 AND sequence > ?2 AND sequence <= ?3
ORDER BY sequence
