-- A page of the recharges that some evidence contradicts, the oldest first. Effect 3: contradicts.
-- Parameters: id after which, limit. Rows: ids; the index evidence_contradicts has all of them, which are few.
SELECT v.operation
FROM evidence v
WHERE v.effect = 3 AND v.operation > $1
GROUP BY v.operation
ORDER BY v.operation
LIMIT $2
