-- The lines of an entry stand in the entry's own row. A posting was a row with a key and an index entry of its own,
-- half of what it cost to write; an entry with four of them, a recharge that earns commissions, paid that four times.
-- Each line is six numbers: debit, credit, asset, amount, and the balance of both legs after it. A line still names one
-- debit, one credit and one amount: an unbalanced journal cannot be written.

-- Of every line what CHECK (debit <> credit) and CHECK (amount_minor > 0) said of a posting.
CREATE FUNCTION lines_are_sound(lines bigint[]) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF array_ndims(lines) <> 1 OR array_lower(lines, 1) <> 1 OR cardinality(lines) % 6 <> 0
        OR array_position(lines, NULL) IS NOT NULL THEN
        RETURN false;
    END IF;
    FOR start IN 1 .. cardinality(lines) BY 6 LOOP
        IF lines[start] = lines[start + 1] OR lines[start + 3] <= 0 THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END $$;

ALTER TABLE entry ADD COLUMN lines bigint[];

ALTER TABLE entry DISABLE TRIGGER entry_is_append_only;
UPDATE entry AS e
SET lines = p.lines
FROM (
    SELECT shard, sequence, array_agg(number ORDER BY line, place) AS lines
    FROM posting
    CROSS JOIN LATERAL (VALUES
        (1, debit), (2, credit), (3, asset::bigint), (4, amount_minor), (5, debit_after), (6, credit_after)
    ) AS part (place, number)
    GROUP BY shard, sequence
) AS p
WHERE e.shard = p.shard AND e.sequence = p.sequence;
ALTER TABLE entry ENABLE TRIGGER entry_is_append_only;

-- A recharge has one line, or four when three resellers earn by it: those lengths are looked at without a call, which
-- costs as much as writing the row.
ALTER TABLE entry ADD CONSTRAINT entry_lines_are_sound CHECK (
    CASE cardinality(lines)
        WHEN 6 THEN (lines[1] <> lines[2] AND lines[4] > 0) IS TRUE
        WHEN 24 THEN (lines[1] <> lines[2] AND lines[4] > 0 AND lines[7] <> lines[8] AND lines[10] > 0
                      AND lines[13] <> lines[14] AND lines[16] > 0 AND lines[19] <> lines[20] AND lines[22] > 0) IS TRUE
        ELSE lines_are_sound(lines)
    END
);

DROP TABLE posting;

-- For people and reports; where speed counts, statements reach into the lines themselves.
CREATE VIEW posting AS
SELECT e.shard, e.sequence, l.line::smallint AS line,
       e.lines[6 * l.line - 5] AS debit, e.lines[6 * l.line - 4] AS credit,
       e.lines[6 * l.line - 3] AS asset, e.lines[6 * l.line - 2] AS amount_minor,
       e.lines[6 * l.line - 1] AS debit_after, e.lines[6 * l.line] AS credit_after
FROM entry e
CROSS JOIN LATERAL generate_series(1, cardinality(e.lines) / 6) AS l (line);
