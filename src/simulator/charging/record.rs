//! The record: an append-only file with one JSON entry per line. The last line of a reference counts.
//!
//! A crash can tear the last line; it was never answered and is cut off. A line that cannot be read with
//! others after it is damage, and the file is refused.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use super::books::{Books, WrittenEntry};

const FILE_NAME: &str = "refills.jsonl";

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
    /// Opens or creates the record under `directory` and reads it.
    pub(super) fn open(directory: &Path) -> Result<(Self, Books), RecordError> {
        fs::create_dir_all(directory)?;
        let file = OpenOptions::new().read(true).append(true).create(true).open(directory.join(FILE_NAME))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(RecordError::InUse),
            Err(fs::TryLockError::Error(error)) => return Err(error.into()),
        }
        let (books, good_bytes) = replay(BufReader::with_capacity(1 << 20, &file))?;
        if file.metadata()?.len() > good_bytes {
            tracing::warn!(good_bytes, "the charging record ended in a torn line, which is cut off");
            file.set_len(good_bytes)?;
        }
        file.sync_all()?;
        // A new file is durable only when its directory is.
        File::open(directory)?.sync_all()?;
        Ok((Self(file), books))
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

/// The books, and where the last good line ends.
fn replay(mut lines: impl BufRead) -> Result<(Books, u64), RecordError> {
    let mut books = Books::default();
    let mut good_bytes = 0;
    let mut buffer = Vec::new();
    for line in 1.. {
        buffer.clear();
        let bytes = lines.read_until(b'\n', &mut buffer)?;
        if bytes == 0 {
            break;
        }
        let whole = buffer.strip_suffix(b"\n");
        let written = whole.and_then(|text| serde_json::from_slice::<WrittenEntry>(text).ok());
        let Some((reference, entry)) = written.and_then(|written| written.read().ok()) else {
            let last = lines.fill_buf()?.is_empty();
            return if last { Ok((books, good_bytes)) } else { Err(RecordError::Damaged { line }) };
        };
        books.put(reference, entry);
        good_bytes += bytes as u64;
    }
    Ok((books, good_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(reference: &str, applied: u32) -> String {
        format!(
            concat!(
                r#"{{"reference":"{}","msisdn":"+212612345678","amount_minor":2000,"currency":"MAD","#,
                r#""result":"approved","code":"approved","applied":{}}}"#,
                "\n"
            ),
            reference, applied
        )
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_the_file_goes_on() {
        let good = line("1", 1) + &line("2", 1) + &line("1", 2);
        for tail in ["", "{", "{\"reference\":\"3\"", line("3", 1).trim_end(), "\0\0\0\0", "not JSON\n"] {
            let directory = tempfile::tempdir().unwrap();
            fs::write(directory.path().join(FILE_NAME), good.clone() + tail).unwrap();
            let (mut file, books) = RecordFile::open(directory.path()).unwrap();
            assert_eq!(books.summary().count, 3, "{tail:?}");
            file.append(line("4", 1).as_bytes()).unwrap();
            drop(file);
            assert_eq!(fs::read_to_string(directory.path().join(FILE_NAME)).unwrap(), good.clone() + &line("4", 1));
            assert_eq!(RecordFile::open(directory.path()).unwrap().1.summary().count, 4);
        }
    }

    #[test]
    fn damage_before_the_last_line_is_named() {
        let directory = tempfile::tempdir().unwrap();
        for damage in ["not JSON\n", "\n", &line("9", 1).replace("MAD", "???"), &line("9", 1).replace("approved", "x")]
        {
            fs::write(directory.path().join(FILE_NAME), line("1", 1) + damage + &line("2", 1)).unwrap();
            let refused = RecordFile::open(directory.path()).unwrap_err();
            assert!(matches!(refused, RecordError::Damaged { line: 2 }), "{damage:?}: {refused}");
        }
    }

    #[test]
    fn one_process_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let first = RecordFile::open(&directory.path().join("new/nested")).unwrap();
        assert!(matches!(RecordFile::open(&directory.path().join("new/nested")), Err(RecordError::InUse)));
        drop(first);
        assert!(RecordFile::open(&directory.path().join("new/nested")).is_ok());
    }
}
