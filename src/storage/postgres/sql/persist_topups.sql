-- A part of the statement that begins with persist: what a batch leaves of top-ups. Every top-up comes through here twice,
-- and while it does, the operator's shard waits for it: so it costs no message of its own.
-- Parameters, arrays of rows of the types of their tables: $10 the states that steps left, $11 top-ups that are not at
-- their end, $12 those that are.
-- One that was noted before stays; one that began and ended in one batch was never noted. No top-up is in both lists.
-- Those at their end are probed one by one by primary key, as holds are: a plan made while the table was empty would
-- walk it.
, states AS (
    INSERT INTO topup_state (shard, id, sequence, acquirer, reference, content, topup)
    SELECT * FROM unnest($10::topup_state[])
), opened AS (
    INSERT INTO topup_open (shard, id)
    SELECT * FROM unnest($11::topup_open[])
    ON CONFLICT DO NOTHING
), closed AS (
    DELETE FROM topup_open AS o
    USING unnest($12::topup_open[]) AS n
    CROSS JOIN LATERAL (
        SELECT t.ctid AS place FROM topup_open t WHERE t.shard = n.shard AND t.id = n.id OFFSET 0
    ) AS found
    WHERE o.ctid = found.place
)
