-- Settings of a poster's connection, sent once when it is opened.
-- Plans: a generic plan prepared while the tables were empty would scan them for ever, so only index plans are
-- left to choose from; the statements are written for them.
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_bitmapscan = off;
SET jit = off;
-- A node that lost power or its network frees its shards within seconds, and a poster never waits without end.
SET lock_timeout = '5s';
SET idle_in_transaction_session_timeout = '10s';
SET client_connection_check_interval = '2s';
SET tcp_keepalives_idle = 5;
SET tcp_keepalives_interval = 2;
SET tcp_keepalives_count = 3;
SET tcp_user_timeout = '10s';
SET default_transaction_isolation = 'read committed';
