//! One process serves a file. The lock is the operating system's, on a file beside the database, so it ends with
//! the process however that ends. Reads and verification do not take it.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::ports::StoreError;

/// The right to serve a database, held from [`ServeLock::take`] until the last clone is dropped.
#[derive(Clone, Debug)]
pub struct ServeLock {
    path: Arc<Path>,
    held: Arc<Mutex<Option<File>>>,
}

impl ServeLock {
    /// The lock of the database at `database`, not taken yet.
    #[must_use]
    pub fn beside(database: &Path) -> Self {
        let mut name = database.as_os_str().to_owned();
        name.push(".lock");
        Self { path: PathBuf::from(name).into(), held: Arc::default() }
    }

    /// Takes the lock; taking it again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when another process holds it, [`StoreError::Unavailable`] when the file cannot
    /// be opened.
    pub fn take(&self) -> Result<(), StoreError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_some() {
            return Ok(());
        }
        let unavailable = |error: std::io::Error| StoreError::Unavailable(format!("{}: {error}", self.path.display()));
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&self.path).map_err(unavailable)?;
        match file.try_lock() {
            Ok(()) => {
                *held = Some(file);
                Ok(())
            }
            Err(TryLockError::WouldBlock) => Err(StoreError::Refused(format!(
                "another process serves this database: it holds the lock on {}",
                self.path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(unavailable(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_serves_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("books.db");
        let first = ServeLock::beside(&database);
        first.take().unwrap();
        first.take().unwrap();
        let second = ServeLock::beside(&database);
        assert!(matches!(second.take(), Err(StoreError::Refused(_))));
        drop(first);
        second.take().unwrap();
    }
}
