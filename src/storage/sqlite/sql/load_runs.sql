-- What was asked of runs, and what they came to.
-- Parameters: a JSON array of {shard, id} of operations. Rows: those that exist, by the primary key.
-- CROSS JOIN keeps the order: what is wanted outside, the table inside.
SELECT a.shard, a.id, a.terms, a.reason, a.started_by, a.request, a.lines, a.lines_digest, a.done, a.refused, a.amount_minor
FROM json_each(?1) AS j
CROSS JOIN allocation_run a ON a.shard = j.value ->> 'shard' AND a.id = unhex(j.value ->> 'id')
