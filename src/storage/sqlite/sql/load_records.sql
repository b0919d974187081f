-- Records that decisions read: single ones.
-- Parameters: a JSON array of {shard, kind, owner, id}. Rows: the records that exist, by the primary key.
-- CROSS JOIN keeps the order: what is wanted outside, the table inside.
SELECT r.shard, r.kind, r.owner, r.id, r.version, r.content
FROM json_each(?1) AS j
CROSS JOIN record r ON r.shard = j.value ->> 'shard' AND r.kind = j.value ->> 'kind'
    AND r.owner = unhex(j.value ->> 'owner') AND r.id = j.value ->> 'id'
