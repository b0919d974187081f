-- What statements read: the movements of each reseller's accounts, written out of the journal behind the posters by
-- a cursor per shard. Nothing here is known by itself: it can be deleted and is written again.

-- How far each reader of the one log has come.
CREATE TABLE log_cursor (
    subscriber text     NOT NULL,
    shard      smallint NOT NULL,
    sequence   bigint   NOT NULL CHECK (sequence >= 0),
    PRIMARY KEY (subscriber, shard)
);

-- The postings of an account in their order. Both sums count from the first movement, this one included, so that
-- what moved between two of them is a difference: all that was credited, and what was delivered to subscribers.
CREATE TABLE account_movement (
    shard          smallint NOT NULL,
    account        bigint   NOT NULL,
    sequence       bigint   NOT NULL,
    line           smallint NOT NULL,
    credited_minor bigint   NOT NULL,
    sold_minor     bigint   NOT NULL,
    PRIMARY KEY (shard, account, sequence, line)
);
