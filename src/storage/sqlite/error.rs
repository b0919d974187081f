//! What SQLite's errors mean to the store, by result code and never by message
//! (<https://www.sqlite.org/rescode.html>).

use crate::ports::StoreError;

const ERROR: i32 = 1;
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const INTERRUPT: i32 = 9;
const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const PROTOCOL: i32 = 15;
const NOTADB: i32 = 26;
const CONSTRAINT_PRIMARYKEY: i32 = 1555;

pub(super) fn store_error(error: sqlx::Error) -> StoreError {
    let text = error.to_string();
    match error {
        sqlx::Error::Database(_) => match primary_code(&error) {
            Some(code) => by_code(code, text),
            None => StoreError::Refused(text),
        },
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            StoreError::Unavailable(text)
        }
        sqlx::Error::ColumnDecode { index, .. } => StoreError::Corrupt(format!("column {index}")),
        sqlx::Error::Decode(_) | sqlx::Error::RowNotFound | sqlx::Error::ColumnNotFound(_) => StoreError::Corrupt(text),
        _ => StoreError::Refused(text),
    }
}

/// What a failed COMMIT means. A refusal, also for a full disk, is an answer: the transaction is rolled back.
/// After an I/O error the commit record may stand in the log or not.
pub(super) fn commit_error(error: sqlx::Error) -> StoreError {
    let text = error.to_string();
    match primary_code(&error) {
        None | Some(IOERR) => StoreError::CommitUnknown(text),
        Some(BUSY | LOCKED) => StoreError::Conflict(text),
        Some(_) => StoreError::Refused(text),
    }
}

/// What a failed claim of keys means: the table has one key, and nothing else can be twice in it.
pub(super) fn claim_error(error: sqlx::Error) -> StoreError {
    match extended_code(&error) {
        Some(CONSTRAINT_PRIMARYKEY) => StoreError::KeyTaken(error.to_string()),
        _ => store_error(error),
    }
}

/// Whether SQLite refused the statement itself, such as ROLLBACK without a transaction.
pub(super) fn is_plain_error(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(ERROR)
}

/// The low byte of the extended result code.
fn primary_code(error: &sqlx::Error) -> Option<i32> {
    Some(extended_code(error)? & 0xff)
}

fn extended_code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}

fn by_code(code: i32, text: String) -> StoreError {
    match code {
        BUSY | LOCKED | INTERRUPT => StoreError::Conflict(text),
        READONLY | IOERR | FULL | CANTOPEN | PROTOCOL => StoreError::Unavailable(text),
        CORRUPT | NOTADB => StoreError::Corrupt(text),
        _ => StoreError::Refused(text),
    }
}
