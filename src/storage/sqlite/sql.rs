//! The statements of SQLite.

crate::storage::statements::statements_of_dialect! { "sql/":
    PERSIST_HEADS = "persist_heads",
    PERSIST_ENTRIES = "persist_entries",
    PERSIST_POSTINGS = "persist_postings",
    AUDIT_STRAY_POSTING = "audit_stray_posting",
    PERSIST_NEW_OPERATIONS = "persist_new_operations",
    PERSIST_OPERATIONS = "persist_operations",
    PERSIST_PLACED_HOLDS = "persist_placed_holds",
    PERSIST_REMOVED_HOLDS = "persist_removed_holds",
    PERSIST_CLAIMS = "persist_claims",
    PERSIST_ACCOUNTS = "persist_accounts",
    TOPUP_STATES = "topup_states",
    TOPUPS_OPENED = "topups_opened",
    TOPUPS_CLOSED = "topups_closed",
    TRANSFERS_SENT = "transfers_sent",
    TRANSFERS_RECEIVED = "transfers_received",
    ADD_PARTNER = "add_partner",
    ADD_CLIENT_ROOT = "add_client_root",
    ADD_SECRET = "add_secret",
    END_SECRETS = "end_secrets",
}
