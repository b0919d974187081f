-- A page of the journal, each entry with the row of its operation as it stands now, when there is one.
-- Parameters: shard, after this sequence, up to this one, limit. Rows: entries by sequence, ascending.
SELECT e.sequence AS entry_sequence, e.kind AS entry_kind, e.subject, e.digest, e.actor, e.recorded_at, e.leaf,
       o.id IS NOT NULL AS has_operation,
       o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM (
    SELECT * FROM entry
    WHERE shard = ?1 AND sequence > ?2 AND sequence <= ?3
    ORDER BY sequence
    LIMIT ?4
) AS e
LEFT JOIN operation o ON o.shard = e.shard AND o.id = e.subject
ORDER BY e.sequence
