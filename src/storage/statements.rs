//! Every statement by name. The names that both dialects have stand here once, so neither can lack one; each
//! dialect adds its own in its `sql` module.

/// Includes the `.sql` files of a dialect as constants, and lists them all for the test that prepares them.
macro_rules! statements {
    ($directory:literal: $($name:ident = $file:literal,)*) => {
        $(pub(super) const $name: &str = include_str!(concat!($directory, $file, ".sql"));)*

        /// Every statement with its name.
        pub const ALL: &[(&str, &str)] = &[$(($file, $name),)*];
    };
}

/// [`statements`] with those of both dialects before the dialect's own.
macro_rules! statements_of_dialect {
    ($directory:literal: $($own:tt)*) => {
        $crate::storage::statements::statements! { $directory:
            LOCK = "lock",
            LOAD_SYSTEM_ACCOUNTS = "load_system_accounts",
            LOAD_RESELLERS = "load_resellers",
            LOAD_RESELLER_ACCOUNTS = "load_reseller_accounts",
            LOAD_OPERATIONS = "load_operations",
            LOAD_RECENT = "load_recent",
            LOAD_RECORDS = "load_records",
            LOAD_RECORDS_BETWEEN = "load_records_between",
            NEW_RECORDS = "new_records",
            CHANGED_RECORDS = "changed_records",
            RECORD = "record",
            RECORDS = "records",
            AUDIT_RECORDS = "audit_records",
            LOAD_ACCOUNTS = "load_accounts",
            LOAD_ANCESTRIES = "load_ancestries",
            LOAD_SALES = "load_sales",
            HOLDERS = "holders",
            PERSIST_STAFF_ACTIONS = "persist_staff_actions",
            AUDIT_STAFF_ACTIONS = "audit_staff_actions",
            AUDIT_STRAY_STAFF_ACTION = "audit_stray_staff_action",
            STAFF_ACTIONS = "staff_actions",
            LEAF = "leaf",
            FILL_OPERATIONS = "fill_operations",
            NETWORK_ACCOUNTS = "network_accounts",
            NETWORK_NEW_RESELLERS = "network_new_resellers",
            NETWORK_RESELLERS = "network_resellers",
            NETWORK_REGISTRATIONS = "network_registrations",
            NETWORK_ANCESTORS = "network_ancestors",
            NETWORK_PLACES = "network_places",
            NETWORK_STANDINGS = "network_standings",
            NETWORK_DETACH = "network_detach",
            NETWORK_ATTACH = "network_attach",
            TREE_CODES = "tree_codes",
            TREE_LINES = "tree_lines",
            TREE_BELOW = "tree_below",
            OPERATION = "operation",
            OPERATION_BY_KEY = "operation_by_key",
            RECHARGES_OF_RESELLERS = "recharges_of_resellers",
            RECHARGES_BELOW = "recharges_below",
            RECHARGES_OF_MSISDN_OF_RESELLERS = "recharges_of_msisdn_of_resellers",
            RECHARGES_OF_MSISDN_BELOW = "recharges_of_msisdn_below",
            RECHARGES_DECLINED_OF_RESELLERS = "recharges_declined_of_resellers",
            RECHARGES_DECLINED_BELOW = "recharges_declined_below",
            RECHARGES_OPEN_OF_RESELLERS = "recharges_open_of_resellers",
            RECHARGES_OPEN_BELOW = "recharges_open_below",
            STOCK = "stock",
            ACCOUNT = "account",
            ACCRUED = "accrued",
            DUE = "due",
            DOUBT = "doubt",
            RESELLER = "reseller",
            RESELLER_BY_CODE = "reseller_by_code",
            MEMBER = "member",
            MEMBERS_BY_CODE = "members_by_code",
            MEMBERS_BELOW = "members_below",
            MEMBERS_OF_PARENT = "members_of_parent",
            SUBTREE_TOTALS = "subtree_totals",
            ANCESTORS = "ancestors",
            SUBTREE = "subtree",
            CLIENTS = "clients",
            CLIENT_ROOTS = "client_roots",
            CLIENT_SECRETS = "client_secrets",
            ADD_CLIENT = "add_client",
            REVOKE_CLIENT = "revoke_client",
            STATEMENT_PLACE = "statement_place",
            STATEMENT_LAST_BEFORE = "statement_last_before",
            STATEMENT_WRITTEN = "statement_written",
            STATEMENT_TAIL = "statement_tail",
            STATEMENT_WRITTEN_NEWEST = "statement_written_newest",
            STATEMENT_WRITTEN_OLDEST = "statement_written_oldest",
            STATEMENT_TAIL_NEWEST = "statement_tail_newest",
            STATEMENT_TAIL_OLDEST = "statement_tail_oldest",
            CURSOR_TAKE = "cursor_take",
            CURSOR_ADD = "cursor_add",
            CURSOR_MOVE = "cursor_move",
            MOVEMENTS_WRITE = "movements_write",
            MOVEMENTS_FORGET = "movements_forget",
            WATCHED_STOCK = "watched_stock",
            AUDIT_CURSORS = "audit_cursors",
            AUDIT_MOVEMENTS = "audit_movements",
            AUDIT_HEADS = "audit_heads",
            AUDIT_ACCOUNTS = "audit_accounts",
            AUDIT_HOLDS = "audit_holds",
            AUDIT_RESELLERS = "audit_resellers",
            AUDIT_PLACES = "audit_places",
            AUDIT_ENTRIES = "audit_entries",
            AUDIT_POSTINGS = "audit_postings",
            AUDIT_COUNT_OPERATIONS = "audit_count_operations",
            AUDIT_STRAY_POSTING = "audit_stray_posting",
            AUDIT_STRAY_OPERATION = "audit_stray_operation",
            HAS_SCHEMA = "has_schema",
            APPLIED_MIGRATIONS = "applied_migrations",
            INSTALLATION = "installation",
            INSTALL = "install",
            INSTALL_SHARDS = "install_shards",
            INSTALL_SYSTEM_ACCOUNTS = "install_system_accounts",
            $($own)*
        }
    };
}

pub(crate) use {statements, statements_of_dialect};
