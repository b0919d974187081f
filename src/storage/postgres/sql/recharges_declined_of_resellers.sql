-- A page of the declined recharges of a few resellers, newest first.
-- Parameters: shards and resellers, pairwise; code of the kind recharge, first id, id before which, created from,
-- created before, status or null, limit. Rows: operations by id, descending.
-- LATERAL takes at most a page per reseller from the end of its range of the index operation_declined; only ids are
-- sorted, and only the page's rows are read whole.
-- The literals of kind and decline are the condition of that index: what is rare is not searched for among all.
SELECT o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM (
    SELECT newest.shard, newest.id
    FROM unnest($1::smallint[], $2::uuid[]) AS wanted (shard, reseller)
    CROSS JOIN LATERAL (
        SELECT o.shard, o.id FROM operation o
        WHERE o.shard = wanted.shard AND o.reseller = wanted.reseller
          AND o.id >= $4 AND o.id < $5
          AND o.created_at >= $6 AND o.created_at < $7
          AND o.kind = $3 AND o.kind = 1 AND o.decline IS NOT NULL AND ($8::smallint IS NULL OR o.status = $8)
        ORDER BY o.id DESC
        LIMIT $9
    ) AS newest
    ORDER BY newest.id DESC
    LIMIT $9
) AS page
CROSS JOIN LATERAL (
    SELECT * FROM operation t WHERE t.shard = page.shard AND t.id = page.id OFFSET 0
) AS o
ORDER BY o.id DESC
