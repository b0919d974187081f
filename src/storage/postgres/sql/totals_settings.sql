-- Settings of one transaction that sums a subtree: the planner believes in few rows, sorts them to group them, and
-- remembers each probe in vain; for fifty thousand that takes twice as long.
-- Rows: one, of no interest.
SELECT set_config('enable_sort', 'off', true), set_config('enable_memoize', 'off', true)
