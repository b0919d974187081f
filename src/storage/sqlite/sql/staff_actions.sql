-- A page of staff actions, newest first: those that concern no single reseller, and those about the caller's.
-- Parameters: time, shard and sequence before the page, the earliest time, reseller, actor, kind (each null for all),
-- the roots of the caller's subtrees as a JSON array of hexadecimal digits, limit.
-- Rows: actions from the end of the index staff_action_time.
SELECT s.shard, s.sequence, s.recorded_at, s.kind, s.subject, s.actor, s.via, s.address, s.request, s.reason,
       s.reseller, s.before_json, s.after_json
FROM staff_action s
WHERE (s.recorded_at, s.shard, s.sequence) < (?1, ?2, ?3) AND s.recorded_at >= ?4
  AND (?5 IS NULL OR s.reseller = ?5) AND (?6 IS NULL OR s.actor = ?6) AND (?7 IS NULL OR s.kind = ?7)
  AND (s.reseller = zeroblob(16) OR EXISTS (
      SELECT 1 FROM reseller_ancestor a
      WHERE a.descendant = s.reseller AND a.ancestor IN (SELECT unhex(j.value) FROM json_each(?8) AS j)
  ))
ORDER BY s.recorded_at DESC, s.shard DESC, s.sequence DESC
LIMIT ?9
