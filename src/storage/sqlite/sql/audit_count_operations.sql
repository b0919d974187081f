-- How many operations of a shard the journal had told of up to a sequence.
-- Parameters: shard, sequence. Rows: one.
SELECT count(*) FROM operation WHERE shard = ?1 AND last_sequence <= ?2
