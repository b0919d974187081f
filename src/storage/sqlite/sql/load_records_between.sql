-- Records that decisions read: all of a kind, or all of it that one reseller owns.
-- Parameters: a JSON array of {shard, kind, from_owner, to_owner}. Rows: records, by the primary key.
-- CROSS JOIN keeps the order: what is wanted outside, the table inside.
SELECT r.shard, r.kind, r.owner, r.id, r.version, r.content
FROM json_each(?1) AS j
CROSS JOIN record r ON r.shard = j.value ->> 'shard' AND r.kind = j.value ->> 'kind'
    AND r.owner BETWEEN unhex(j.value ->> 'from_owner') AND unhex(j.value ->> 'to_owner')
