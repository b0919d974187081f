-- What was stated about recharges.
-- Parameters: shard of the operator, ids of recharges. Rows: statements, the oldest first.
-- LATERAL with OFFSET 0 keeps it a probe per row, whatever the planner believed when the table was empty.
SELECT e.id
FROM unnest($2::uuid[]) AS wanted (recharge)
CROSS JOIN LATERAL (
    SELECT * FROM four_eyes t WHERE t.shard = $1 AND t.recharge = wanted.recharge OFFSET 0
) AS e
ORDER BY e.id
