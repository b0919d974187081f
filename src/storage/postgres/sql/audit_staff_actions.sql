-- The staff actions of a page of the journal.
-- Parameters: shard, after this sequence, up to this one. Rows: actions by sequence, by the primary key.
SELECT shard, sequence, recorded_at, kind, subject, actor, via, address, request, reason, reseller, before_json,
       after_json
FROM staff_action
WHERE shard = $1 AND sequence > $2 AND sequence <= $3
ORDER BY sequence
