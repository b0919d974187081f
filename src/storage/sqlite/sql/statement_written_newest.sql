-- Movements of an account between two places, the newest first, among those written out. An operation is found by
-- its id alone, whose last byte is its shard.
-- Parameters: shard, account, after this sequence and line, before this sequence and line, limit. Rows: movements.
SELECT m.sequence AS entry_sequence, m.line AS posting_line, e.kind AS entry_kind, e.subject, e.recorded_at,
       m.debit, m.credit, m.asset, m.posted_minor, m.debit_after, m.credit_after,
       o.id IS NOT NULL AS has_operation,
       o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM (
    SELECT m.sequence, m.line, p.debit, p.credit, p.asset, p.amount_minor AS posted_minor, p.debit_after, p.credit_after
    FROM (
        SELECT sequence, line FROM account_movement
        WHERE shard = ?1 AND account = ?2 AND (sequence, line) > (?3, ?4) AND (sequence, line) < (?5, ?6)
        ORDER BY sequence DESC, line DESC
        LIMIT ?7
    ) AS m
    CROSS JOIN posting p ON p.shard = ?1 AND p.sequence = m.sequence AND p.line = m.line
) AS m
CROSS JOIN entry e ON e.shard = ?1 AND e.sequence = m.sequence
LEFT JOIN operation o
    ON o.shard = (instr('0123456789ABCDEF', substr(hex(e.subject), 31, 1)) - 1) * 16
               + instr('0123456789ABCDEF', substr(hex(e.subject), 32, 1)) - 1
    AND o.id = e.subject
ORDER BY m.sequence DESC, m.line DESC
