-- A page of cases that are not closed, newest first.
-- It goes on with cases_page.sql. The index record_case_unclosed, whose conditions the literals are, is walked from its end until the page is full.
SELECT r.shard, r.kind, r.owner, r.id, r.version, r.content
FROM record r INDEXED BY record_case_unclosed
WHERE r.kind = 127
  AND r.content ->> 'status' <> 'closed'
