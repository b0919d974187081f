-- Writes what a batch decided about shards, the journal, operations, holds and balances: one round trip, for
-- every recharge comes through here. What opens accounts and resellers is in the statements network_*.
-- The statement goes on with persist_topups, where the batch has top-ups, and ends with persist_end.
-- Parameters, arrays of rows, each of the type of its table unless said otherwise:
--   $1 heads after the batch with what is compared before it (moved_head), $2 journal entries with their lines and leaves, $3 new operations,
--   $4 operations in their new state (moved_operation), $5 holds placed, $6 and $7 shards and operations of holds
--   removed, $8 accounts after the batch, $9 idempotency keys that the new operations claim.
-- One array of rows, not one array per column: unnest of many arrays stores and reads each column apart.
-- Rows: one, without meaning. What is not found as it was believed to be ends the statement with an error of our own:
-- TA001 a shard that no longer stands as it was, TA002 another row.
-- Sent by itself it is the whole transaction of a batch that was decided by memory: the shards' rows are its locks and
-- its proof. They are updated first, ascending, before anything else is touched, because the first condition below asks
-- for them; a wait for another poster's lock ends in finding the row changed.
-- A key that is taken violates claim_pkey, and the batch is decided again.
-- The parts see one snapshot and no row is named twice, so their order does not matter.
-- Rows to change are probed one by one by primary key (LATERAL, OFFSET 0) and then reached by their place: a join
-- by key would be the planner's to turn round, and a plan made while a table was empty would walk it for every
-- batch. The shards' locks keep the places from changing in between.
WITH head AS (
    UPDATE shard AS s
    SET version = n.version, sequence = n.sequence, frontier = n.frontier,
        recorded_at = n.recorded_at, next_account = n.next_account
    FROM unnest($1::moved_head[]) AS n
    WHERE s.shard = n.shard AND s.version = n.version_before AND n.version = n.version_before + 1
      AND s.sequence = n.sequence_before AND s.frontier = n.frontier_before
    RETURNING 1
), journal AS (
    INSERT INTO entry (shard, sequence, kind, subject, digest, actor, recorded_at, leaf, lines)
    SELECT * FROM unnest($2::entry[])
), begun AS (
    INSERT INTO operation (shard, id, kind, partner, reseller, external_id, amount_minor, status, decline,
                           balance_after, created_at, updated_at, last_sequence, counterparty, msisdn,
                           msisdn_salt, product, channel, terminal, allow_repeat, charging_reference,
                           submit_by)
    SELECT * FROM unnest($3::operation[])
), moved AS (
    UPDATE operation AS o
    SET status = n.status, decline = n.decline, updated_at = n.updated_at, last_sequence = n.last_sequence
    FROM unnest($4::moved_operation[]) AS n
    CROSS JOIN LATERAL (
        SELECT t.ctid AS place FROM operation t WHERE t.shard = n.shard AND t.id = n.id OFFSET 0
    ) AS found
    WHERE o.ctid = found.place
    RETURNING 1
), placed AS (
    INSERT INTO hold (shard, operation, account, amount_minor, placed_at, due_at)
    SELECT * FROM unnest($5::hold[])
), removed AS (
    DELETE FROM hold AS h
    USING unnest($6::smallint[], $7::uuid[]) AS n (shard, operation)
    CROSS JOIN LATERAL (
        SELECT t.ctid AS place FROM hold t WHERE t.shard = n.shard AND t.operation = n.operation OFFSET 0
    ) AS found
    WHERE h.ctid = found.place
    RETURNING 1
), balance AS (
    UPDATE account AS a
    SET posted = n.posted, held = n.held, credit_limit = n.credit_limit,
        usage_day = n.usage_day, usage_count = n.usage_count, usage_amount_minor = n.usage_amount_minor
    FROM unnest($8::account[]) AS n
    CROSS JOIN LATERAL (
        SELECT t.ctid AS place FROM account t WHERE t.shard = n.shard AND t.number = n.number OFFSET 0
    ) AS found
    WHERE a.ctid = found.place
    RETURNING 1
), claimed AS (
    INSERT INTO claim (shard, key, operation)
    SELECT * FROM unnest($9::claim[])
)
