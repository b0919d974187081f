//! What PostgreSQL's errors mean to the store, by SQLSTATE and never by message
//! (PostgreSQL documentation, appendix A).

use sqlx::error::DatabaseError;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

use crate::ports::StoreError;

pub(super) fn store_error(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(ref database) => {
            let text = described(&error);
            match database.code().as_deref() {
                Some("23505") if database.constraint() == Some("claim_pkey") => StoreError::KeyTaken(text),
                Some(code) => by_state(code, text),
                None => StoreError::Refused(text),
            }
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed => StoreError::Unavailable(error.to_string()),
        sqlx::Error::ColumnDecode { ref index, .. } => StoreError::Corrupt(format!("column {index}")),
        sqlx::Error::Decode(_) | sqlx::Error::RowNotFound | sqlx::Error::ColumnNotFound(_) => {
            StoreError::Corrupt(error.to_string())
        }
        other => StoreError::Refused(other.to_string()),
    }
}

fn by_state(code: &str, text: String) -> StoreError {
    match code {
        // Serialisation failure, deadlock, lock timeout, cancelled statement.
        "40001" | "40P01" | "55P03" | "57014" => StoreError::Conflict(text),
        // Our own, of persist.sql.
        "TA001" => StoreError::Stale(text),
        // Ended for idling in a transaction; a server that became a standby.
        "25P03" | "25006" => StoreError::Unavailable(text),
        // Connection, resources such as disk or connections, shutdown and start-up, the system beneath.
        _ if ["08", "53", "57P", "58"].iter().any(|class| code.starts_with(class)) => StoreError::Unavailable(text),
        _ => StoreError::Refused(text),
    }
}

/// What a failed COMMIT means. An error within a living connection is an answer: nothing was committed. A
/// connection that broke, or ended while it answered, says nothing.
pub(super) fn commit_error(error: sqlx::Error) -> StoreError {
    if !error.as_database_error().is_some_and(is_answer) {
        return StoreError::CommitUnknown(described(&error));
    }
    match store_error(error) {
        StoreError::Conflict(text) => StoreError::Conflict(text),
        StoreError::Refused(text)
        | StoreError::KeyTaken(text)
        | StoreError::Stale(text)
        | StoreError::Unavailable(text)
        | StoreError::CommitUnknown(text)
        | StoreError::Corrupt(text) => StoreError::Refused(text),
    }
}

/// What a failed statement means that is a transaction by itself. An error within a living connection is an answer; a
/// line that broke says nothing.
pub(super) fn post_error(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(ref database) if is_answer(database.as_ref()) => store_error(error),
        sqlx::Error::Database(_) | sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => {
            StoreError::CommitUnknown(described(&error))
        }
        other => store_error(other),
    }
}

/// Whether the server goes on after the error.
fn is_answer(error: &dyn DatabaseError) -> bool {
    error.try_downcast_ref::<PgDatabaseError>().is_some_and(|error| error.severity() == PgSeverity::Error)
}

/// For the log. Without PostgreSQL's detail, which quotes rows.
fn described(error: &sqlx::Error) -> String {
    match error.as_database_error() {
        Some(database) => format!(
            "SQLSTATE {}, constraint {}: {}",
            database.code().as_deref().unwrap_or("-"),
            database.constraint().unwrap_or("-"),
            database.message()
        ),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_told_apart() {
        let of = |code| by_state(code, String::new());
        for code in ["40001", "40P01", "55P03", "57014"] {
            assert_eq!(of(code), StoreError::Conflict(String::new()), "{code}");
        }
        for code in ["08006", "57P01", "57P03", "53300", "53100", "58030", "25P03", "25006"] {
            assert_eq!(of(code), StoreError::Unavailable(String::new()), "{code}");
        }
        for code in ["23505", "23514", "22021", "25P02", "42P01"] {
            assert_eq!(of(code), StoreError::Refused(String::new()), "{code}");
        }
    }

    #[test]
    fn a_connection_that_broke_in_commit_says_nothing() {
        let broken = sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert!(matches!(commit_error(broken), StoreError::CommitUnknown(_)));
    }
}
