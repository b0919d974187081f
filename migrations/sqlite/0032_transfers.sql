-- Transfers are operations of the sender's shard: "counterparty" is the receiver, null where that is the operator;
-- "allow_repeat", the flag of a request, says that the sender asked for acceptance; "submit_by", the deadline of an
-- operation, is the time by which it must be accepted. Lists of transfers are by either end; recharges, of which
-- there are thousands for each transfer, are in none of these indexes.
CREATE INDEX operation_transfer ON operation (shard, id) WHERE kind IN (7, 8);
CREATE INDEX operation_transfer_sender ON operation (shard, reseller, id) WHERE kind IN (7, 8);
CREATE INDEX operation_transfer_receiver ON operation (shard, counterparty, id) WHERE kind IN (7, 8);

INSERT INTO code (domain, number, name) VALUES
    ('kind', 7, 'transfer'),
    ('kind', 8, 'return'),
    ('status', 11, 'pending_acceptance'),
    ('entry', 50, 'transfer.completed'),
    ('entry', 51, 'transfer.received'),
    ('entry', 52, 'transfer.declined'),
    ('entry', 53, 'transfer.held'),
    ('entry', 54, 'transfer.released');
