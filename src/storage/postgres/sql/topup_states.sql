-- Writes the states that steps of top-ups left.
-- Parameters: arrays of one column each. Rows: none.
INSERT INTO topup_state (shard, id, sequence, acquirer, reference, content)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[])
