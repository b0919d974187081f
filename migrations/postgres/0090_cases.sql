-- Cases of customer care are records (kind 127). The numbers of subscribers stand beside them, under the salted digest
-- that the record has: they can be erased, and the journal stays right.
CREATE TABLE case_number (
    digest     bytea NOT NULL PRIMARY KEY CHECK (octet_length(digest) = 32),
    salt       bytea NOT NULL,
    subscriber bigint,
    call_back  bigint NOT NULL
);

-- Lists are by the time of opening; what is not closed is found among few.
CREATE INDEX record_case ON record (((content::jsonb ->> 'opened_at_ms')::bigint), id) WHERE kind = 127;
CREATE INDEX record_case_unclosed ON record (((content::jsonb ->> 'opened_at_ms')::bigint), id)
    WHERE kind = 127 AND (content::jsonb ->> 'status') <> 'closed';

INSERT INTO code (domain, number, name) VALUES
    ('entry', 131, 'case.opened'),
    ('entry', 132, 'case.taken'),
    ('entry', 133, 'case.released'),
    ('entry', 134, 'case.called_back'),
    ('entry', 135, 'case.noted'),
    ('entry', 136, 'case.closed'),
    ('entry', 137, 'case.reopened'),
    ('record', 127, 'case');
