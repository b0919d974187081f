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
