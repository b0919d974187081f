-- Movements of an account between two places, the oldest first, in a part of the journal that is not written out yet.
-- Parameters: as those of statement_written_oldest. Rows: movements.
SELECT m.sequence AS entry_sequence, m.line AS posting_line, e.kind AS entry_kind, e.subject, e.recorded_at,
       m.debit, m.credit, m.asset, m.posted_minor, m.debit_after, m.credit_after,
       o.id IS NOT NULL AS has_operation,
       o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM (
    SELECT sequence, line, debit, credit, asset, amount_minor AS posted_minor, debit_after, credit_after
    FROM posting
    WHERE shard = $1 AND sequence BETWEEN $3 AND $5
      AND (debit = $2 OR credit = $2) AND (sequence, line) > ($3, $4) AND (sequence, line) < ($5, $6)
    ORDER BY sequence ASC, line ASC
    LIMIT $7
) AS m
JOIN entry e ON e.shard = $1 AND e.sequence = m.sequence
LEFT JOIN LATERAL (
    SELECT * FROM operation t
    WHERE t.shard = get_byte(uuid_send(e.subject), 15) AND t.id = e.subject
    OFFSET 0
) AS o ON true
ORDER BY m.sequence ASC, m.line ASC
