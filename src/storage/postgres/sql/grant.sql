-- Gives the role that serves what it needs and no more: the journal can be appended to, never changed, and the
-- tables stay the owner's. The role's name is put by the program in place of the one below.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM "application";
GRANT USAGE ON SCHEMA public TO "application";
GRANT SELECT ON ALL TABLES IN SCHEMA public TO "application";
GRANT INSERT ON entry, staff_action, claim, operation, hold, account TO "application";
GRANT INSERT ON evidence TO "application";
GRANT INSERT ON case_number TO "application";
GRANT INSERT ON settlement_line TO "application";
GRANT INSERT ON topup_state, topup_open TO "application";
GRANT INSERT, UPDATE ON acquirer_notification TO "application";
GRANT INSERT ON allocation, allocation_run, run_line TO "application";
GRANT UPDATE (done, refused, amount_minor) ON allocation_run TO "application";
GRANT INSERT ON four_eyes TO "application";
GRANT UPDATE (checker, ruling, ruling_reason, ruled_at) ON four_eyes TO "application";
GRANT INSERT ON reseller_state, reseller, reseller_ancestor, record TO "application";
GRANT INSERT ON partner, client, client_root, client_secret TO "application";
GRANT UPDATE ON shard, account, operation, reseller_state, record, reseller, client, client_secret TO "application";
GRANT DELETE ON hold, topup_open, reseller_ancestor TO "application";
GRANT INSERT, UPDATE ON log_cursor TO "application";
GRANT INSERT, DELETE ON account_movement TO "application";
GRANT INSERT, UPDATE ON webhook_health TO "application";
GRANT INSERT, UPDATE, DELETE ON webhook_waiting TO "application";
GRANT INSERT, DELETE ON webhook_attempt TO "application";
