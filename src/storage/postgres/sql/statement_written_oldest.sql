-- Movements of an account between two places, the oldest first, among those written out. An operation is found by
-- its id alone, whose last byte is its shard.
-- Parameters: shard, account, after this sequence and line, before this sequence and line, limit. Rows: movements.
SELECT m.sequence AS entry_sequence, m.line AS posting_line, e.kind AS entry_kind, e.subject, e.recorded_at,
       e.lines[6 * m.line - 5] AS debit, e.lines[6 * m.line - 4] AS credit,
       e.lines[6 * m.line - 3] AS asset, e.lines[6 * m.line - 2] AS posted_minor,
       e.lines[6 * m.line - 1] AS debit_after, e.lines[6 * m.line] AS credit_after,
       o.id IS NOT NULL AS has_operation,
       o.shard, o.id, o.kind, o.partner, o.reseller, o.external_id, o.amount_minor, o.status, o.decline,
       o.balance_after, o.created_at, o.updated_at, o.last_sequence, o.counterparty, o.msisdn, o.msisdn_salt,
       o.product, o.channel, o.terminal, o.allow_repeat, o.charging_reference, o.submit_by
FROM (
    SELECT sequence, line FROM account_movement
    WHERE shard = $1 AND account = $2 AND (sequence, line) > ($3, $4) AND (sequence, line) < ($5, $6)
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
