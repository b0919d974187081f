-- Declined recharges are rare among many; their list must not search all of them. The column is null until an operation
-- is declined, so completing one touches neither index.
CREATE INDEX operation_declined ON operation (shard, reseller, id) WHERE kind = 1 AND decline IS NOT NULL;
CREATE INDEX operation_declined_newest ON operation (shard, id) WHERE kind = 1 AND decline IS NOT NULL;
