//! The statements of PostgreSQL.

crate::storage::statements::statements_of_dialect! { "sql/":
    POSTER_SETTINGS = "poster_settings",
    READ_SETTINGS = "read_settings",
    PERSIST = "persist" & "persist_end",
    PERSIST_WITH_TOPUPS = "persist" & "persist_topups" & "persist_end",
    TRANSFERS_OF_RESELLER = "transfers_of_reseller",
    ROTATE_SECRET = "rotate_secret",
    TAKES_WRITES = "takes_writes",
    GRANT = "grant",
    TOTALS_SETTINGS = "totals_settings",
}
