-- Recharges by the references that they were sent under.
-- Parameters: references. Rows: operations.
-- A reference ends with three digits of the shard and the last six of the sequence of the entry that reserved it (kind 8)
-- or sent it on to another charging system (kind 16):
-- so one entry in a million of a shard is looked at, by the primary key, and no index is written for each recharge.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM unnest($1::bigint[]) AS wanted (reference)
CROSS JOIN LATERAL (
    SELECT s.shard, s.sequence FROM shard s WHERE s.shard = wanted.reference / 1000000 % 1000 OFFSET 0
) AS h
CROSS JOIN LATERAL generate_series(wanted.reference % 1000000, h.sequence, 1000000) AS c (sequence)
CROSS JOIN LATERAL (
    SELECT t.subject FROM entry t WHERE t.shard = h.shard AND t.sequence = c.sequence AND t.kind IN (8, 16) OFFSET 0
) AS e
CROSS JOIN LATERAL (
    SELECT t.* FROM operation t WHERE t.shard = h.shard AND t.id = e.subject OFFSET 0
) AS o
WHERE o.charging_reference = wanted.reference
