-- A partner's day lists reversals as it lists top-ups.
CREATE INDEX operation_reversal ON operation (shard, id) WHERE kind = 15;
