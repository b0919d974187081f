-- The similar-recharge guard: when did each of these resellers last sell this amount to this number,
-- not counting what was taken back as a whole (status 6)?
-- Parameters, pairwise: positions of the questions, shards, resellers, numbers, amounts, creation times after
-- which it counts, ids that nothing so recent is below; then the codes of the kind recharge and of the status
-- declined. Rows: position and creation time, for the questions that have an answer.
-- A number's latest recharges are a short range of the index operation_msisdn; LATERAL probes it per question. A
-- reseller's are not: IS NOT DISTINCT FROM keeps the planner from the index operation_reseller.
SELECT wanted.position, latest.created_at
FROM unnest($1::integer[], $2::smallint[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[], $7::uuid[])
    AS wanted (position, shard, reseller, msisdn, amount_minor, since, first_id)
CROSS JOIN LATERAL (
    SELECT max(o.created_at) AS created_at
    FROM operation o
    WHERE o.shard = wanted.shard AND o.msisdn = wanted.msisdn AND o.id >= wanted.first_id
      AND o.reseller IS NOT DISTINCT FROM wanted.reseller AND o.amount_minor = wanted.amount_minor
      AND o.created_at > wanted.since AND o.kind = $8 AND o.status NOT IN ($9, 6)
) AS latest
WHERE latest.created_at IS NOT NULL
