-- Recharges by the references that they were sent under.
-- Parameters: a JSON array of references. Rows: operations.
-- A reference ends with three digits of the shard and the last six of the sequence of the entry that reserved it (kind 8)
-- or sent it on to another charging system (kind 16):
-- so one entry in a million of a shard is looked at, by the primary key, and no index is written for each recharge.
-- CROSS JOIN keeps the order.
WITH RECURSIVE candidate (reference, shard, sequence, last) AS (
    SELECT j.value, s.shard, j.value % 1000000, s.sequence
    FROM json_each(?1) AS j
    CROSS JOIN shard s ON s.shard = j.value / 1000000 % 1000
    UNION ALL
    SELECT c.reference, c.shard, c.sequence + 1000000, c.last FROM candidate c WHERE c.sequence + 1000000 <= c.last
)
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM candidate c
CROSS JOIN entry e ON e.shard = c.shard AND e.sequence = c.sequence AND e.kind IN (8, 16)
CROSS JOIN operation o ON o.shard = e.shard AND o.id = e.subject
WHERE o.charging_reference = c.reference
