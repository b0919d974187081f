-- The numbers of cases.
-- Parameters: digests. Rows: those that are kept, by the primary key.
SELECT digest, salt, subscriber, call_back FROM case_number WHERE digest = ANY ($1)
