-- Settings of one transaction that sums a subtree. How large it is differs from one outlet to the whole network, so the
-- planner looks at each: for fifty thousand, hashing takes half of what a probe for each takes. It believes in few rows
-- where none were counted yet, would sort them to group them, and would remember each probe in vain.
-- Rows: one, of no interest.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_hashjoin', 'on', true),
       set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'off', true),
       set_config('enable_memoize', 'off', true)
