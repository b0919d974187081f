-- A page of the transfers that one reseller sent or receives, newest first.
-- Parameters: reseller; first id, id before which, created from, created before, status or null, limit.
-- Rows: operations by id, descending.
-- A transfer stands in the shard of its sender, so every shard is asked for the end of two index ranges; only ids are
-- sorted. The literal kinds are the condition of the indexes operation_transfer_sender and _receiver.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM (
    SELECT newest.shard, newest.id
    FROM shard s
    CROSS JOIN LATERAL (
        (SELECT o.shard, o.id FROM operation o
        WHERE o.shard = s.shard AND o.reseller = $1
          AND o.id >= $2 AND o.id < $3
          AND o.created_at >= $4 AND o.created_at < $5
          AND o.kind IN (7, 8) AND ($6::smallint IS NULL OR o.status = $6)
        ORDER BY o.id DESC
        LIMIT $7)
        UNION
        (SELECT o.shard, o.id FROM operation o
        WHERE o.shard = s.shard AND o.counterparty = $1
          AND o.id >= $2 AND o.id < $3
          AND o.created_at >= $4 AND o.created_at < $5
          AND o.kind IN (7, 8) AND ($6::smallint IS NULL OR o.status = $6)
        ORDER BY o.id DESC
        LIMIT $7)
    ) AS newest
    ORDER BY newest.id DESC
    LIMIT $7
) AS page
CROSS JOIN LATERAL (
    SELECT * FROM operation t WHERE t.shard = page.shard AND t.id = page.id OFFSET 0
) AS o
ORDER BY o.id DESC
