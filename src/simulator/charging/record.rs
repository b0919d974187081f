//! The charging simulator's record: one refill per line. The last line of a reference counts.

use std::path::Path;

use super::super::record::{RecordError, RecordFile};
use super::books::{Books, WrittenEntry};

const FILE_NAME: &str = "refills.jsonl";

/// Opens or creates the record under `directory` and reads it.
pub(super) fn open(directory: &Path) -> Result<(RecordFile, Books), RecordError> {
    let mut books = Books::default();
    let file = RecordFile::open(directory, FILE_NAME, |line| {
        let written = serde_json::from_slice::<WrittenEntry>(line).ok();
        let read = written.and_then(|written| written.read().ok());
        read.map(|(reference, entry)| books.put(reference, entry)).is_some()
    })?;
    Ok((file, books))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

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
            let (mut file, books) = open(directory.path()).unwrap();
            assert_eq!(books.summary().count, 3, "{tail:?}");
            file.append(line("4", 1).as_bytes()).unwrap();
            drop(file);
            assert_eq!(fs::read_to_string(directory.path().join(FILE_NAME)).unwrap(), good.clone() + &line("4", 1));
            assert_eq!(open(directory.path()).unwrap().1.summary().count, 4);
        }
    }

    #[test]
    fn damage_before_the_last_line_is_named() {
        let directory = tempfile::tempdir().unwrap();
        for damage in ["not JSON\n", "\n", &line("9", 1).replace("MAD", "???"), &line("9", 1).replace("approved", "x")]
        {
            fs::write(directory.path().join(FILE_NAME), line("1", 1) + damage + &line("2", 1)).unwrap();
            let refused = open(directory.path()).unwrap_err();
            assert!(matches!(refused, RecordError::Damaged { line: 2 }), "{damage:?}: {refused}");
        }
    }

    #[test]
    fn one_process_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let first = open(&directory.path().join("new/nested")).unwrap();
        assert!(matches!(open(&directory.path().join("new/nested")), Err(RecordError::InUse)));
        drop(first);
        assert!(open(&directory.path().join("new/nested")).is_ok());
    }
}
