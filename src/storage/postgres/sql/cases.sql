-- A page of cases, newest first.
-- It goes on with cases_page.sql. The index record_case, whose conditions the literals are, is walked from its end until the page is full.
SELECT r.shard, r.kind, r.owner, r.id, r.version, r.content
FROM record r
WHERE r.kind = 127
