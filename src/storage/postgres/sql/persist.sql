-- Writes what a batch decided about shards, the journal, operations, holds and balances: one round trip, for
-- every recharge comes through here. What opens accounts and resellers is in the statements network_*.
-- Parameters, arrays of one column each:
--   $1–$6     heads after the batch: shard, version, sequence, frontier, recorded_at, next_account
--   $7–$14    journal entries, with their leaves
--   $15–$23   their postings
--   $24–$45   new operations
--   $46–$51   operations in their new state: shard, id, then every column that an outcome changes
--   $52–$57   holds placed
--   $58–$59   holds removed: shard, operation
--   $60–$67   accounts after the batch: shard, number, balances, credit limit, usage
-- Rows: one, with how many heads, operations, holds and accounts were found to be changed. The caller compares
-- them with what it sent: a head is found only at the version before.
-- The parts see one snapshot and no row is named twice, so their order does not matter.
-- Rows to change are probed one by one by primary key (LATERAL, OFFSET 0) and then reached by their place: a join
-- by key would be the planner's to turn round, and a plan made while a table was empty would walk it for every
-- batch. The shards' locks keep the places from changing in between.
WITH head AS (
    UPDATE shard AS s
    SET version = n.version, sequence = n.sequence, frontier = n.frontier,
        recorded_at = n.recorded_at, next_account = n.next_account
    FROM unnest(
        $1::smallint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bigint[]
    ) AS n (shard, version, sequence, frontier, recorded_at, next_account)
    WHERE s.shard = n.shard AND s.version = n.version - 1
    RETURNING 1
), journal AS (
    INSERT INTO entry (shard, sequence, kind, subject, digest, actor, recorded_at, leaf)
    SELECT * FROM unnest(
        $7::smallint[], $8::bigint[], $9::smallint[], $10::uuid[], $11::bytea[], $12::text[],
        $13::bigint[], $14::bytea[]
    )
), lines AS (
    INSERT INTO posting (shard, sequence, line, debit, credit, asset, amount_minor, debit_after, credit_after)
    SELECT * FROM unnest(
        $15::smallint[], $16::bigint[], $17::smallint[], $18::bigint[], $19::bigint[], $20::smallint[],
        $21::bigint[], $22::bigint[], $23::bigint[]
    )
), begun AS (
    INSERT INTO operation (shard, id, kind, partner, reseller, external_id, amount_minor, status, decline,
                           balance_after, created_at, updated_at, last_sequence, counterparty, msisdn,
                           msisdn_salt, product, channel, terminal, allow_repeat, charging_reference,
                           submit_by)
    SELECT * FROM unnest(
        $24::smallint[], $25::uuid[], $26::smallint[], $27::uuid[], $28::uuid[], $29::text[],
        $30::bigint[], $31::smallint[], $32::text[], $33::bigint[], $34::bigint[], $35::bigint[],
        $36::bigint[], $37::uuid[], $38::bigint[], $39::bytea[], $40::text[], $41::smallint[], $42::text[],
        $43::boolean[], $44::bigint[], $45::bigint[]
    )
), moved AS (
    UPDATE operation AS o
    SET status = n.status, decline = n.decline, updated_at = n.updated_at, last_sequence = n.last_sequence
    FROM unnest(
        $46::smallint[], $47::uuid[], $48::smallint[], $49::text[], $50::bigint[], $51::bigint[]
    ) AS n (shard, id, status, decline, updated_at, last_sequence)
    CROSS JOIN LATERAL (
        SELECT t.ctid AS place FROM operation t WHERE t.shard = n.shard AND t.id = n.id OFFSET 0
    ) AS found
    WHERE o.ctid = found.place
    RETURNING 1
), placed AS (
    INSERT INTO hold (shard, operation, account, amount_minor, placed_at, due_at)
    SELECT * FROM unnest(
        $52::smallint[], $53::uuid[], $54::bigint[], $55::bigint[], $56::bigint[], $57::bigint[]
    )
), removed AS (
    DELETE FROM hold AS h
    USING unnest($58::smallint[], $59::uuid[]) AS n (shard, operation)
    CROSS JOIN LATERAL (
        SELECT t.ctid AS place FROM hold t WHERE t.shard = n.shard AND t.operation = n.operation OFFSET 0
    ) AS found
    WHERE h.ctid = found.place
    RETURNING 1
), balance AS (
    UPDATE account AS a
    SET posted = n.posted, held = n.held, credit_limit = n.credit_limit,
        usage_day = n.usage_day, usage_count = n.usage_count, usage_amount_minor = n.usage_amount_minor
    FROM unnest(
        $60::smallint[], $61::bigint[], $62::bigint[], $63::bigint[], $64::bigint[], $65::integer[],
        $66::bigint[], $67::bigint[]
    ) AS n (shard, number, posted, held, credit_limit, usage_day, usage_count, usage_amount_minor)
    CROSS JOIN LATERAL (
        SELECT t.ctid AS place FROM account t WHERE t.shard = n.shard AND t.number = n.number OFFSET 0
    ) AS found
    WHERE a.ctid = found.place
    RETURNING 1
)
SELECT (SELECT count(*) FROM head) AS heads, (SELECT count(*) FROM moved) AS operations,
       (SELECT count(*) FROM removed) AS holds, (SELECT count(*) FROM balance) AS accounts
