//! Reads an acquirer's settlement file line by line, by its profile, or says which cell is bad.

use std::io::BufRead;

use super::charging::{BoundRecord, RecordProfile, Subscriber};
use crate::domain::settlement::SettledKind;
use crate::domain::text::contains_card_number;
use crate::domain::{BusinessDay, Currency, LineState, OperationId, OperationKind, SettledLine};
use crate::ports::acquirer::{BadLine, BoundProfile, SettlementKind, SettlementLine, SettlementProfile};
use crate::services::import::records::{Next, Record, Records};

/// Amounts beyond it are taken for a mistake: a thousand thousand million, in minor units.
pub(super) const LARGEST_MINOR: i64 = 100_000_000_000_000;

/// Why a file is not taken; nothing of it was booked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", place(*.line, .column))]
pub struct Misread {
    /// As an editor counts them, from 1.
    pub line: u64,
    /// Empty when it is the line as a whole.
    pub column: Box<str>,
    pub reason: String,
}

fn place(line: u64, column: &str) -> String {
    if column.is_empty() { format!("line {line}") } else { format!("line {line}, column {column}") }
}

impl Misread {
    fn new(line: u64, column: &str, reason: impl Into<String>) -> Self {
        Self { line, column: column.into(), reason: reason.into() }
    }

    fn of_file(error: &std::io::Error) -> Self {
        Self::new(1, "", format!("the file cannot be read: {error}"))
    }
}

/// How a file is written.
#[derive(Clone, Debug)]
pub enum Form {
    Acquirer(SettlementProfile),
    /// The charging system's daily record.
    Charging(RecordProfile),
}

impl Form {
    fn delimiter(&self) -> u8 {
        match self {
            Self::Acquirer(profile) => profile.delimiter,
            Self::Charging(profile) => profile.delimiter,
        }
    }
}

/// A line as it was read.
#[derive(Clone, Debug)]
pub struct ReadLine {
    /// Its state is still that of a line nobody knows.
    pub line: SettledLine,
    /// The top-up that its order number names.
    pub named: Option<OperationId>,
    /// Of the charging system: who was credited.
    pub subscriber: Option<Subscriber>,
}

enum Bound<'a> {
    Acquirer(BoundProfile<'a>, &'a SettlementProfile),
    Charging(BoundRecord<'a>),
}

/// A file whose heading was read.
pub struct Lines<'a, R> {
    records: Records<R>,
    bound: Bound<'a>,
    cells: usize,
    number: i64,
    currency: Currency,
}

impl<'a, R: BufRead> Lines<'a, R> {
    /// # Errors
    /// What is wrong with the heading.
    pub fn open(input: R, form: &'a Form, currency: Currency) -> Result<Self, Misread> {
        let mut records = Records::new(input);
        let begin = records.peek().map_err(|error| Misread::of_file(&error))?;
        if begin.starts_with(&[0xff, 0xfe]) || begin.starts_with(&[0xfe, 0xff]) {
            return Err(Misread::new(1, "", "the file is UTF-16: save it as UTF-8"));
        }
        if begin.starts_with("\u{feff}".as_bytes()) {
            records.skip(3);
        }
        records.separate_by(form.delimiter());
        let heading = match records.next_record().map_err(|error| Misread::of_file(&error))? {
            Next::Record(heading) => heading,
            Next::Bad { line, reason } | Next::GivenUp { line, reason } => return Err(Misread::new(line, "", reason)),
            Next::End => return Err(Misread::new(1, "", "the file is empty")),
        };
        let names = texts(&heading)?;
        let bad = |BadLine { column, expected }: BadLine| Misread::new(heading.line, &column, expected);
        let bound = match form {
            Form::Acquirer(profile) => Bound::Acquirer(profile.bind(&names).map_err(bad)?, profile),
            Form::Charging(profile) => Bound::Charging(profile.bind(&names).map_err(bad)?),
        };
        Ok(Self { records, bound, cells: names.len(), number: 0, currency })
    }

    /// The next line; none at the end of the file.
    ///
    /// # Errors
    /// The line and the column that cannot be read.
    pub fn next_line(&mut self) -> Result<Option<ReadLine>, Misread> {
        let record = match self.records.next_record().map_err(|error| Misread::of_file(&error))? {
            Next::Record(record) => record,
            Next::Bad { line, reason } | Next::GivenUp { line, reason } => return Err(Misread::new(line, "", reason)),
            Next::End => return Ok(None),
        };
        let cells = texts(&record)?;
        if cells.len() != self.cells {
            let reason = format!("it has {} cells, the heading has {}", cells.len(), self.cells);
            return Err(Misread::new(record.line, "", reason));
        }
        if let Some(place) = cells.iter().position(|cell| contains_card_number(cell)) {
            let reason = format!("cell {} looks like a card number", place + 1);
            return Err(Misread::new(record.line, "", reason));
        }
        let bad = |BadLine { column, expected }: BadLine| Misread::new(record.line, &column, expected);
        self.number += 1;
        Ok(Some(match &self.bound {
            Bound::Acquirer(bound, profile) => {
                let line = bound.read(&cells).map_err(bad)?;
                self.check(&line, profile).map_err(bad)?;
                let named = line.order.as_deref().and_then(operation);
                ReadLine { line: settled(self.number, &line), named, subscriber: None }
            }
            Bound::Charging(bound) => {
                let (line, subscriber) = bound.read(&cells, self.number, self.currency).map_err(bad)?;
                ReadLine { line, named: None, subscriber }
            }
        }))
    }

    /// What no profile says and every file must keep to.
    fn check(&self, line: &SettlementLine, profile: &SettlementProfile) -> Result<(), BadLine> {
        let columns = &profile.columns;
        let bad = |column: &str, expected| Err(BadLine { column: column.into(), expected });
        let (gross, fee, net) = (line.gross.minor(), line.fee.minor(), line.net.minor());
        if line.gross.currency() != self.currency {
            return bad(&columns.currency, "expected the currency of the books");
        }
        for (column, minor) in [(&columns.gross, gross), (&columns.fee, fee), (&columns.net, net)] {
            if !(-LARGEST_MINOR..=LARGEST_MINOR).contains(&minor) {
                return bad(column, "expected a smaller amount");
            }
        }
        match line.kind {
            SettlementKind::Payment | SettlementKind::ChargebackReversal if gross < 0 => {
                return bad(&columns.gross, "expected no negative amount for money that comes in");
            }
            SettlementKind::Refund | SettlementKind::Chargeback if gross > 0 => {
                return bad(&columns.gross, "expected a negative amount for money that goes out");
            }
            _ => {}
        }
        if gross - fee != net {
            return bad(&columns.net, "expected the gross amount less the fee");
        }
        Ok(())
    }
}

/// The top-up that an order number names; a refund's begins with it.
fn operation(order: &str) -> Option<OperationId> {
    let prefix = OperationKind::Topup.prefix();
    OperationId::parse(order.get(..prefix.len() + 36)?, prefix)
}

fn texts(record: &Record) -> Result<Vec<&str>, Misread> {
    let mut texts = Vec::with_capacity(record.cells.len());
    for (place, cell) in record.cells.iter().enumerate() {
        let bad = |what: &str| Misread::new(record.line, "", format!("cell {} {what}", place + 1));
        let text = std::str::from_utf8(cell).map_err(|_| bad("is not UTF-8: save the file in that encoding"))?;
        let controls = if text.is_ascii() {
            text.bytes().any(|byte| byte.is_ascii_control())
        } else {
            text.chars().any(char::is_control)
        };
        if controls {
            return Err(bad("has control characters"));
        }
        texts.push(text);
    }
    Ok(texts)
}

fn settled(number: i64, line: &SettlementLine) -> SettledLine {
    SettledLine {
        number,
        reference: line.reference.as_str().into(),
        kind: match line.kind {
            SettlementKind::Payment => SettledKind::Payment,
            SettlementKind::Refund => SettledKind::Refund,
            SettlementKind::Chargeback => SettledKind::Chargeback,
            SettlementKind::ChargebackReversal => SettledKind::ChargebackReversal,
        },
        state: LineState::MissingHere,
        operation: None,
        gross_minor: line.gross.minor(),
        fee_minor: line.fee.minor(),
        settled_on: BusinessDay::of_date(line.settled_on),
        posted: true,
    }
}
