//! Tables that leave the house as files: rows go in one after the other, memory does not grow with them.
//!
//! A text that a spreadsheet would take for a formula gets a leading apostrophe; amounts are numbers.

pub mod csv;
pub mod statement;
pub mod xlsx;

use crate::domain::Currency;

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, UTF-8, with a line of headings.
    Csv,
    /// Office Open XML (ECMA-376).
    Xlsx,
}

impl Format {
    pub const ALL: [Self; 2] = [Self::Csv, Self::Xlsx];

    /// What its file is called behind the dot, and on the command line.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }

    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.extension() == extension)
    }
}

/// A cell of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Empty,
    Text(String),
    /// In minor units.
    Amount(i64),
}

pub type Row = Vec<Cell>;

/// A text that no spreadsheet computes.
#[must_use]
pub fn formula_safe(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

/// Whether an amount is a number that a spreadsheet keeps exactly: at most 15 digits.
fn fits_a_spreadsheet(minor: i64) -> bool {
    minor.unsigned_abs() < 1_000_000_000_000_000
}

/// The number format of amounts, such as `0.00`.
fn number_format(currency: Currency) -> String {
    match currency.exponent() {
        0 => "0".into(),
        decimals => format!("0.{}", "0".repeat(decimals as usize)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_disarmed() {
        for text in ["=1+1", "+212612345678", "-1", "@SUM(A1)", "\tx", "\rx"] {
            assert_eq!(formula_safe(text), format!("'{text}"));
        }
        for text in ["", "a=b", "2126", "'=1", " =1", "été", "تعبئة"] {
            assert_eq!(formula_safe(text), text);
        }
    }
}
