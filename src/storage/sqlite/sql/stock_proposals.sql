-- Writes what stands for new proposals.
-- Parameters: a JSON array of rows, bytes as hexadecimal digits. Rows: none.
INSERT INTO four_eyes (shard, id, maker, reason, document, expires_at, reseller, direction, limits, resolution,
                       recharge, stated, checker, ruling, ruling_reason, ruled_at)
SELECT j.value ->> 'shard', unhex(j.value ->> 'id'), unhex(j.value ->> 'maker'), j.value ->> 'reason',
       j.value ->> 'document', j.value ->> 'expires_at', unhex(j.value ->> 'reseller'), j.value ->> 'direction',
       j.value ->> 'limits', j.value ->> 'resolution', unhex(j.value ->> 'recharge'), j.value ->> 'stated',
       unhex(j.value ->> 'checker'), j.value ->> 'ruling',
       j.value ->> 'ruling_reason', j.value ->> 'ruled_at'
FROM json_each(?1) AS j
