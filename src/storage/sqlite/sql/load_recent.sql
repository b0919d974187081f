-- The similar-recharge guard: when did each of these resellers last sell this amount to this number,
-- not counting what was taken back as a whole (status 6)?
-- Parameters: a JSON array of {position, shard, reseller, msisdn, amount_minor, since, first_id}, where nothing
-- created after "since" has an id below "first_id"; the codes of the kind recharge and of the status declined.
-- Rows: position and creation time, for the questions that have an answer.
-- A number's latest recharges are a short range of the index operation_msisdn, probed per question; a reseller's
-- are not, so the planner is not left the choice.
SELECT position, created_at
FROM (
    SELECT j.value ->> 'position' AS position, (
        SELECT max(o.created_at)
        FROM operation o INDEXED BY operation_msisdn
        WHERE o.shard = j.value ->> 'shard' AND o.msisdn = j.value ->> 'msisdn' AND o.msisdn IS NOT NULL
          AND o.id >= unhex(j.value ->> 'first_id')
          AND o.reseller = unhex(j.value ->> 'reseller') AND o.amount_minor = j.value ->> 'amount_minor'
          AND o.created_at > j.value ->> 'since' AND o.kind = ?2 AND o.status NOT IN (?3, 6)
    ) AS created_at
    FROM json_each(?1) AS j
)
WHERE created_at IS NOT NULL
