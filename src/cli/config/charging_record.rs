//! How the charging systems write their daily record.

use serde::Deserialize;

use crate::services::settlement::RecordProfile;

/// The section `[charging_record]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChargingRecord {
    delimiter: String,
    reference: String,
    msisdn: String,
    amount: String,
    time: String,
    result: String,
    applied: String,
    not_applied: String,
}

impl ChargingRecord {
    /// # Errors
    /// The setting that does not fit, and what was expected of it.
    pub(super) fn checked(&self) -> Result<RecordProfile, (&'static str, String)> {
        let delimiter =
            delimiter(&self.delimiter).map_err(|expected| ("charging_record.delimiter", expected.to_owned()))?;
        let words = [
            ("charging_record.reference", &self.reference),
            ("charging_record.msisdn", &self.msisdn),
            ("charging_record.amount", &self.amount),
            ("charging_record.time", &self.time),
            ("charging_record.result", &self.result),
            ("charging_record.applied", &self.applied),
            ("charging_record.not_applied", &self.not_applied),
        ];
        if let Some((key, _)) = words.iter().find(|(_, word)| word.trim().is_empty() || word.trim() != word.as_str()) {
            return Err((key, "expected a word without spaces around it".into()));
        }
        let (columns, results) = words.split_at(5);
        for group in [columns, results] {
            for (index, (key, word)) in group.iter().enumerate() {
                if group[..index].iter().any(|(_, other)| other.eq_ignore_ascii_case(word)) {
                    return Err((key, format!("expected another word than {word:?}, which stands for something else")));
                }
            }
        }
        Ok(RecordProfile {
            delimiter,
            reference: self.reference.as_str().into(),
            subscriber: self.msisdn.as_str().into(),
            amount: self.amount.as_str().into(),
            time: self.time.as_str().into(),
            result: self.result.as_str().into(),
            applied: self.applied.as_str().into(),
            not_applied: self.not_applied.as_str().into(),
        })
    }

    /// The form of a record.
    #[must_use]
    pub fn profile(&self) -> RecordProfile {
        self.checked().expect("settings were checked when they were read")
    }
}

/// What stands between the cells of a file.
///
/// # Errors
/// Says what was expected.
pub(super) fn delimiter(text: &str) -> Result<u8, &'static str> {
    match text {
        "," => Ok(b','),
        ";" => Ok(b';'),
        "tab" => Ok(b'\t'),
        _ => Err("expected \",\", \";\" or \"tab\""),
    }
}
