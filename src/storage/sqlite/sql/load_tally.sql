-- What a reseller sold on a business day and in its month, in all or at one terminal: what limits count. Holds and
-- doubts count, what was declined or taken back as a whole (status 6) does not.
-- Parameters: shard, reseller, terminal or null, first id, beginning of the month, beginning of the day, status declined.
-- Rows: one, counts and amounts of the day and of the month.
-- A range of the index operation_reseller, whose condition the literal kind is; named, because by itself the planner
-- walks the shard's operations of the month by the primary key. Asked once for each reseller with such
-- a limit, then counted in memory.
SELECT count(*) FILTER (WHERE o.created_at >= ?6) AS day_count,
       coalesce(sum(o.amount_minor) FILTER (WHERE o.created_at >= ?6), 0) AS day_minor,
       count(*) AS month_count,
       coalesce(sum(o.amount_minor), 0) AS month_minor
FROM operation o INDEXED BY operation_reseller
WHERE o.shard = ?1 AND o.reseller = ?2 AND o.kind = 1
  AND (?3 IS NULL OR o.terminal = ?3)
  AND o.id >= ?4 AND o.created_at >= ?5 AND o.status NOT IN (?7, 6)
