//! The record of a simulator: an append-only file with one JSON entry per line.
//!
//! A crash can tear the last line; it was never answered and is cut off. A line that cannot be read with
//! others after it is damage, and the file is refused.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

/// Why a record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("another process uses it")]
    InUse,
    #[error("line {line} cannot be read, and it is not the last")]
    Damaged { line: u64 },
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The open record, locked against other processes.
#[derive(Debug)]
pub(super) struct RecordFile(File);

impl RecordFile {
    /// Opens or creates the record `name` under `directory`, and gives every line to `take`, which answers whether it
    /// could be read.
    pub(super) fn open(directory: &Path, name: &str, take: impl FnMut(&[u8]) -> bool) -> Result<Self, RecordError> {
        fs::create_dir_all(directory)?;
        let file = OpenOptions::new().read(true).append(true).create(true).open(directory.join(name))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(RecordError::InUse),
            Err(fs::TryLockError::Error(error)) => return Err(error.into()),
        }
        let good_bytes = replay(BufReader::with_capacity(1 << 20, &file), take)?;
        if file.metadata()?.len() > good_bytes {
            tracing::warn!(name, good_bytes, "the record ended in a torn line, which is cut off");
            file.set_len(good_bytes)?;
        }
        file.sync_all()?;
        // A new file is durable only when its directory is.
        File::open(directory)?.sync_all()?;
        Ok(Self(file))
    }

    /// A record on any file, without reading it.
    #[cfg(test)]
    pub(super) fn on(file: File) -> Self {
        Self(file)
    }

    /// Appends `lines` and returns when they are durable. After an error nothing is known of the file's end.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.0.write_all(lines)?;
        self.0.sync_data()
    }
}

/// Where the last good line ends.
fn replay(mut lines: impl BufRead, mut take: impl FnMut(&[u8]) -> bool) -> Result<u64, RecordError> {
    let mut good_bytes = 0;
    let mut buffer = Vec::new();
    for line in 1.. {
        buffer.clear();
        let bytes = lines.read_until(b'\n', &mut buffer)?;
        if bytes == 0 {
            break;
        }
        if !buffer.strip_suffix(b"\n").is_some_and(&mut take) {
            let last = lines.fill_buf()?.is_empty();
            return if last { Ok(good_bytes) } else { Err(RecordError::Damaged { line }) };
        }
        good_bytes += bytes as u64;
    }
    Ok(good_bytes)
}
