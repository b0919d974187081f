//! The charging system's daily record: how it is written, and how a line stands to our recharges.

use sha2::{Digest as _, Sha256};

use super::file::LARGEST_MINOR;
use crate::domain::encoding::Hash;
use crate::domain::{
    BusinessDay, Currency, Decline, EvidenceKind, LineState, Money, Msisdn, Operation, SettledKind, SettledLine,
    Status, Timestamp,
};
use crate::ledger::command::Evidence;
use crate::ports::acquirer::BadLine;
use crate::services::evidence::Received;

/// The form of a daily record: the headings of its columns and what it calls outcomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordProfile {
    /// Between cells: `,`, `;` or a tab.
    pub delimiter: u8,
    /// Ours, as it was sent.
    pub reference: Box<str>,
    /// E.164, with or without `+`, or the SHA-256 of that with `+`, in hexadecimal digits. May be empty.
    pub subscriber: Box<str>,
    /// A decimal number of the currency.
    pub amount: Box<str>,
    /// Begins with the date, as 2026-11-22.
    pub time: Box<str>,
    pub result: Box<str>,
    pub applied: Box<str>,
    pub not_applied: Box<str>,
}

impl Default for RecordProfile {
    fn default() -> Self {
        Self {
            delimiter: b',',
            reference: "reference".into(),
            subscriber: "msisdn".into(),
            amount: "amount".into(),
            time: "time".into(),
            result: "result".into(),
            applied: "applied".into(),
            not_applied: "not_applied".into(),
        }
    }
}

/// Who was credited, as the record tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscriber {
    Number(Msisdn),
    /// SHA-256 of the number in E.164.
    Hash(Hash),
}

impl Subscriber {
    fn read(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        if hex::decode_to_slice(text, &mut hash).is_ok() {
            return Some(Self::Hash(hash));
        }
        let digits = text.strip_prefix('+').unwrap_or(text);
        let plain = digits.len() <= 15 && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.parse().ok().filter(|_| plain);
        number.and_then(Msisdn::from_digits).map(Self::Number)
    }

    fn is(self, msisdn: Msisdn) -> bool {
        match self {
            Self::Number(number) => number == msisdn,
            Self::Hash(hash) => <Hash>::from(Sha256::digest(msisdn.e164())) == hash,
        }
    }
}

/// A profile whose columns were found in a heading.
pub struct BoundRecord<'a> {
    profile: &'a RecordProfile,
    places: [usize; 5],
}

impl RecordProfile {
    fn columns(&self) -> [&str; 5] {
        [&self.reference, &self.subscriber, &self.amount, &self.time, &self.result]
    }

    /// Finds the columns in a heading.
    ///
    /// # Errors
    /// The column that is not there, or twice.
    pub fn bind(&self, heading: &[&str]) -> Result<BoundRecord<'_>, BadLine> {
        let mut places = [0; 5];
        for (place, name) in places.iter_mut().zip(self.columns()) {
            let mut found = heading.iter().enumerate().filter(|(_, cell)| cell.trim().eq_ignore_ascii_case(name));
            *place = match (found.next(), found.next()) {
                (Some((place, _)), None) => place,
                (None, _) => return Err(BadLine { column: name.into(), expected: "the heading has no such column" }),
                _ => return Err(BadLine { column: name.into(), expected: "the heading has this column twice" }),
            };
        }
        Ok(BoundRecord { profile: self, places })
    }
}

impl BoundRecord<'_> {
    /// A line by its cells.
    ///
    /// # Errors
    /// The column that cannot be read.
    pub fn read(
        &self,
        cells: &[&str],
        number: i64,
        currency: Currency,
    ) -> Result<(SettledLine, Option<Subscriber>), BadLine> {
        let names = self.profile.columns();
        let bad = |index: usize, expected| BadLine { column: names[index].into(), expected };
        let [reference, subscriber, amount, time, result] = self.places.map(|place| cells[place].trim());
        if !(1..=64).contains(&reference.len()) || !reference.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(bad(0, "expected 1 to 64 printable ASCII characters"));
        }
        let subscriber = match subscriber {
            "" => None,
            text => Some(Subscriber::read(text).ok_or_else(|| bad(1, "expected E.164, a SHA-256, or nothing"))?),
        };
        let amount_minor = Money::parse(amount, currency).map_err(|_| bad(2, "expected an amount above zero"))?.minor();
        if amount_minor > LARGEST_MINOR {
            return Err(bad(2, "expected a smaller amount"));
        }
        let date = time.get(..10).and_then(|date| date.parse::<jiff::civil::Date>().ok());
        let date = date.ok_or_else(|| bad(3, "expected a time that begins like 2026-11-22"))?;
        let kind = match result {
            text if text.eq_ignore_ascii_case(&self.profile.applied) => SettledKind::Refill,
            text if text.eq_ignore_ascii_case(&self.profile.not_applied) => SettledKind::NotRefilled,
            _ => return Err(bad(4, "expected one of the results of the profile")),
        };
        let line = SettledLine {
            number,
            reference: reference.into(),
            kind,
            state: LineState::MissingHere,
            operation: None,
            gross_minor: if kind == SettledKind::Refill { amount_minor } else { 0 },
            fee_minor: 0,
            settled_on: BusinessDay::of_date(date),
            posted: true,
        };
        Ok((line, subscriber))
    }
}

/// Our own number in a reference, where it is one of ours.
#[must_use]
pub fn reference_of(line: &SettledLine) -> Option<i64> {
    line.reference.parse().ok().filter(|reference: &i64| *reference >= 0 && reference.to_string() == *line.reference)
}

/// What a line proves about a recharge that is still open: an explicit answer (`domain.md` \[3\]). What was not applied
/// counts only when nothing can be on its way any more.
#[must_use]
pub fn evidence(
    line: &SettledLine,
    subscriber: Option<Subscriber>,
    recharge: &Operation,
    now: Timestamp,
) -> Option<Received> {
    let sent = recharge.recharge().filter(|_| recharge.status.is_open())?;
    if subscriber.is_some_and(|told| !told.is(sent.msisdn)) {
        return None;
    }
    let evidence = match line.kind {
        SettledKind::Refill => Evidence::Applied,
        _ => Evidence::NotApplied(Decline::ChargingDeclined),
    };
    let kept =
        format!("line {}: {}, {} minor units, {}", line.number, line.kind.name(), line.gross_minor, line.settled_on);
    Some(Received::about(recharge, EvidenceKind::DailyRecord, evidence, now, &kept))
}

/// A line as it stands to its recharge, after what it proves has moved it.
#[must_use]
pub fn compared(line: SettledLine, subscriber: Option<Subscriber>, recharge: Option<&Operation>) -> SettledLine {
    let Some((operation, sent)) = recharge.and_then(|operation| Some((operation, operation.recharge()?))) else {
        return line;
    };
    // What was taken back since was delivered all the same: the record tells of the refill.
    let delivered = operation.status.was_completed();
    let known_minor = if delivered { operation.amount_minor } else { 0 };
    let applied = line.kind == SettledKind::Refill;
    // An open one that it does not prove anything about is no agreement either.
    let agrees = applied == delivered && (applied || operation.status == Status::Declined);
    let state = if !agrees || subscriber.is_some_and(|told| !told.is(sent.msisdn)) {
        LineState::Contradicts
    } else if line.gross_minor != known_minor {
        LineState::AmountDiffers
    } else {
        LineState::Matched
    };
    SettledLine { state, operation: Some(operation.id), fee_minor: known_minor, ..line }
}
