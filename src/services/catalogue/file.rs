//! A catalogue from a file: TOML with products and rules, or CSV with the lines of either.

use jiff::tz::TimeZone;

use super::{lines, table};
use crate::domain::Currency;
use crate::domain::catalogue::Import;

/// Larger files are refused.
const MAX_BYTES: usize = 16 << 20;

/// Why a file is no catalogue: the first place that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct FileError {
    /// Such as `line 7, column rate`.
    pub place: String,
    pub problem: String,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Toml,
    Csv,
}

impl Format {
    /// By the ending of its name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "toml" => Some(Self::Toml),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// What the values of a file are read by.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    pub currency: Currency,
    /// In which a plain date begins.
    pub zone: &'a TimeZone,
}

/// # Errors
/// [`FileError`] names the first place that is wrong.
pub fn parse(bytes: &[u8], format: Format, currency: Currency, zone: &TimeZone) -> Result<Import, FileError> {
    let whole = |problem: &str| FileError { place: "file".into(), problem: problem.into() };
    if bytes.len() > MAX_BYTES {
        return Err(whole("expected at most 16 MiB"));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
        FileError { place: format!("line {line}"), problem: "expected UTF-8".into() }
    })?;
    let reading = Reading { currency, zone };
    match format {
        Format::Toml => lines::of_toml(text, &reading),
        Format::Csv => table::of_csv(text, &reading),
    }
}
