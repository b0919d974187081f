//! CSV (RFC 4180), a piece at a time.

use super::{Cell, Row, formula_safe};
use crate::domain::{Currency, Money};

/// Writes rows and gives what was written so far.
pub struct CsvTable {
    writer: ::csv::Writer<Vec<u8>>,
    currency: Currency,
}

impl CsvTable {
    #[must_use]
    pub fn new(currency: Currency, headings: &[&str]) -> Self {
        let mut table = Self { writer: new_writer(), currency };
        table.write(headings.iter().map(|heading| (*heading).to_owned()));
        table
    }

    pub fn row(&mut self, row: &Row) {
        let currency = self.currency;
        self.write(row.iter().map(|cell| match cell {
            Cell::Empty => String::new(),
            Cell::Text(text) => formula_safe(text),
            Cell::Amount(minor) => Money::from_minor(*minor, currency).to_string(),
        }));
    }

    fn write(&mut self, fields: impl Iterator<Item = String>) {
        self.writer.write_record(fields).expect("memory takes all rows, and each is as long as the first");
    }

    /// What was written since the last time.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        let writer = std::mem::replace(&mut self.writer, new_writer());
        writer.into_inner().expect("memory takes all that is flushed")
    }
}

fn new_writer() -> ::csv::Writer<Vec<u8>> {
    ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).flexible(true).from_writer(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_quoted_disarmed_and_taken_in_pieces() {
        let mut table = CsvTable::new(Currency::MAD, &["name", "amount"]);
        table.row(&vec![Cell::Text("=cmd|' /C calc'!A0".into()), Cell::Amount(-5)]);
        let first = table.take();
        table.row(&vec![Cell::Text("a \"b\", c\r\nd".into()), Cell::Empty]);
        let text = String::from_utf8([first, table.take(), table.take()].concat()).unwrap();
        assert_eq!(text, "name,amount\r\n'=cmd|' /C calc'!A0,-0.05\r\n\"a \"\"b\"\", c\r\nd\",\r\n");
    }
}
