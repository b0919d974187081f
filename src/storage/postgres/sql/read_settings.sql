-- Settings of a connection for named queries, sent once when it is opened.
-- Plans: the queries are written for indexes; a plan made for empty or unknown tables must be the one for millions
-- of rows. Time: a caller that gave up must not occupy the server, and every query takes milliseconds.
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_bitmapscan = off;
SET jit = off;
SET statement_timeout = '30s';
