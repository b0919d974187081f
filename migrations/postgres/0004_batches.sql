-- What the posters send besides rows of the tables themselves.

-- An operation in its new state: its key, then every column that an outcome changes.
CREATE TYPE moved_operation AS (
    shard         smallint,
    id            uuid,
    status        smallint,
    decline       text,
    updated_at    bigint,
    last_sequence bigint
);

-- A shard's row after a batch, beside what is compared of the row before it.
CREATE TYPE moved_head AS (
    shard           smallint,
    version         bigint,
    sequence        bigint,
    frontier        bytea,
    recorded_at     bigint,
    next_account    bigint,
    version_before  bigint,
    sequence_before bigint,
    frontier_before bytea
);

-- Ends a statement that did not find what it was to change.
CREATE FUNCTION refuse_batch(state text, what text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% does not stand as it was believed to', what USING ERRCODE = state;
END $$;
