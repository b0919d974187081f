//! How an acquirer's settlement file is written, and what one of its lines says. Matching is not done here.
//!
//! A file is CSV with a heading. The profile names the columns; [`SettlementProfile::bind`] finds them in the heading
//! once, [`BoundProfile::read`] then reads line by line.

use jiff::civil;

use super::AcquirerReference;
use crate::domain::{Currency, Money};

/// The form of a settlement file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementProfile {
    /// Between cells: `,`, `;` or a tab.
    pub delimiter: u8,
    pub columns: SettlementColumns,
    /// By strftime, such as `%Y-%m-%d` or `%d/%m/%Y`; what follows it in the cell is ignored.
    pub date_format: Box<str>,
    pub amounts: AmountForm,
    /// What each kind of line is called in the kind's column.
    pub payment: Box<str>,
    pub refund: Box<str>,
    pub chargeback: Box<str>,
    pub chargeback_reversal: Box<str>,
}

/// Headings of the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementColumns {
    /// Our own id: of the top-up or of the refund.
    pub order: Box<str>,
    /// The acquirer's id.
    pub reference: Box<str>,
    pub kind: Box<str>,
    pub gross: Box<str>,
    pub fee: Box<str>,
    pub net: Box<str>,
    pub currency: Box<str>,
    pub settled_on: Box<str>,
}

/// How amounts are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountForm {
    /// Whole numbers of minor units: 1060.
    MinorUnits,
    /// 10.60
    Point,
    /// 10,60
    Comma,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettlementKind {
    Payment,
    Refund,
    Chargeback,
    /// A charge-back that was won: the money comes back.
    ChargebackReversal,
}

/// One line. Amounts have the sign that the file gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementLine {
    /// Missing where the acquirer leaves the cell empty; any text, since it is the acquirer's.
    pub order: Option<Box<str>>,
    pub reference: AcquirerReference,
    pub kind: SettlementKind,
    pub gross: Money,
    pub fee: Money,
    pub net: Money,
    pub settled_on: civil::Date,
}

/// What is wrong with a heading or a line: the column, and what was expected there. It does not quote the cell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{column}: {expected}")]
pub struct BadLine {
    pub column: Box<str>,
    pub expected: &'static str,
}

/// A profile with the places of its columns in one file.
#[derive(Clone, Debug)]
pub struct BoundProfile<'a> {
    profile: &'a SettlementProfile,
    /// In the order of [`SettlementColumns`].
    places: [usize; 8],
}

impl SettlementColumns {
    fn all(&self) -> [&str; 8] {
        let Self { order, reference, kind, gross, fee, net, currency, settled_on } = self;
        [order, reference, kind, gross, fee, net, currency, settled_on]
    }
}

impl SettlementProfile {
    /// Finds the columns; others may stand between them.
    ///
    /// # Errors
    /// [`BadLine`] names the column that is missing or stands twice.
    pub fn bind(&self, heading: &[&str]) -> Result<BoundProfile<'_>, BadLine> {
        let mut places = [0; 8];
        for (place, name) in places.iter_mut().zip(self.columns.all()) {
            let mut found = heading.iter().enumerate().filter(|(_, cell)| cell.trim().eq_ignore_ascii_case(name));
            let bad = |expected| BadLine { column: name.into(), expected };
            let (at, _) = found.next().ok_or_else(|| bad("expected this column in the heading"))?;
            if found.next().is_some() {
                return Err(bad("expected this column once"));
            }
            *place = at;
        }
        Ok(BoundProfile { profile: self, places })
    }
}

impl BoundProfile<'_> {
    /// Reads one line.
    ///
    /// # Errors
    /// [`BadLine`] names the first cell that cannot be read.
    pub fn read(&self, cells: &[&str]) -> Result<SettlementLine, BadLine> {
        let names = self.profile.columns.all();
        let bad = |index: usize, expected| BadLine { column: names[index].into(), expected };
        let mut texts = [""; 8];
        for (index, text) in texts.iter_mut().enumerate() {
            *text = cells.get(self.places[index]).ok_or_else(|| bad(index, "the line ends before it"))?.trim();
        }
        let [order, reference, kind, gross, fee, net, currency, settled_on] = texts;
        let currency: Currency = currency.parse().map_err(|expected| bad(6, expected))?;
        let amount = |index, text| self.amount(text, currency).ok_or_else(|| bad(index, "expected an amount"));
        let (gross, fee, net) = (amount(3, gross)?, amount(4, fee)?, amount(5, net)?);
        Ok(SettlementLine {
            order: Some(order).filter(|order| !order.is_empty()).map(Into::into),
            reference: reference.parse().map_err(|expected| bad(1, expected))?,
            kind: self.kind(kind).ok_or_else(|| bad(2, "expected one of the kinds of the profile"))?,
            gross,
            fee,
            net,
            settled_on: self.date(settled_on).ok_or_else(|| bad(7, "expected a date in the form of the profile"))?,
        })
    }

    fn kind(&self, text: &str) -> Option<SettlementKind> {
        let SettlementProfile { payment, refund, chargeback, chargeback_reversal, .. } = self.profile;
        [
            (payment, SettlementKind::Payment),
            (refund, SettlementKind::Refund),
            (chargeback, SettlementKind::Chargeback),
            (chargeback_reversal, SettlementKind::ChargebackReversal),
        ]
        .into_iter()
        .find(|(name, _)| text.eq_ignore_ascii_case(name))
        .map(|(_, kind)| kind)
    }

    fn date(&self, text: &str) -> Option<civil::Date> {
        let (parsed, _) = jiff::fmt::strtime::BrokenDownTime::parse_prefix(&*self.profile.date_format, text).ok()?;
        parsed.to_date().ok()
    }

    /// Exact: a decimal too many is no amount, unless it is zero.
    fn amount(&self, text: &str, currency: Currency) -> Option<Money> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, decimals) = match self.profile.amounts {
            AmountForm::MinorUnits => (digits, None),
            AmountForm::Point => split(digits, '.'),
            AmountForm::Comma => split(digits, ','),
        };
        let exponent = match self.profile.amounts {
            AmountForm::MinorUnits => 0,
            AmountForm::Point | AmountForm::Comma => currency.exponent() as usize,
        };
        let decimals = decimals.unwrap_or("");
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(decimals) {
            return None;
        }
        let (kept, beyond) = decimals.split_at(decimals.len().min(exponent));
        if beyond.bytes().any(|byte| byte != b'0') {
            return None;
        }
        let zeros = std::iter::repeat_n(b'0', exponent - kept.len());
        let minor = whole
            .bytes()
            .chain(kept.bytes())
            .chain(zeros)
            .try_fold(0_i64, |minor, digit| minor.checked_mul(10)?.checked_add(i64::from(digit - b'0')))?;
        Some(Money::from_minor(if negative { -minor } else { minor }, currency))
    }
}

fn split(text: &str, point: char) -> (&str, Option<&str>) {
    match text.split_once(point) {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(amounts: AmountForm, date_format: &str) -> SettlementProfile {
        let columns = SettlementColumns {
            order: "oid".into(),
            reference: "trans".into(),
            kind: "type".into(),
            gross: "brut".into(),
            fee: "frais".into(),
            net: "net".into(),
            currency: "devise".into(),
            settled_on: "date".into(),
        };
        SettlementProfile {
            delimiter: b';',
            columns,
            date_format: date_format.into(),
            amounts,
            payment: "VENTE".into(),
            refund: "REMB".into(),
            chargeback: "IMPAYE".into(),
            chargeback_reversal: "ANNUL".into(),
        }
    }

    const HEADING: [&str; 9] = ["Date", "other", "type", "OID", "trans", "brut", "frais", "net", "devise"];

    #[test]
    fn lines_are_read_by_the_heading() {
        for (amounts, gross, fee, net) in [
            (AmountForm::Comma, "1060,5", "10,00", "1050,50"),
            (AmountForm::Point, "1060.50", "10", "1050.500"),
            (AmountForm::MinorUnits, "106050", "1000", "105050"),
        ] {
            let profile = profile(amounts, "%d/%m/%Y");
            let bound = profile.bind(&HEADING).unwrap();
            let cells = ["22/11/2026 03:00", "x", "vente", " top_1 ", "T-9", gross, fee, net, "MAD"];
            let line = bound.read(&cells).unwrap();
            let minor = (line.gross.minor(), line.fee.minor(), line.net.minor());
            assert_eq!((line.kind, minor), (SettlementKind::Payment, (106_050, 1_000, 105_050)), "{amounts:?}");
            assert_eq!((line.order.as_deref(), line.settled_on), (Some("top_1"), civil::date(2026, 11, 22)));
        }
    }

    #[test]
    fn refunds_may_be_negative_and_have_no_order() {
        let profile = profile(AmountForm::Point, "%Y-%m-%d");
        let bound = profile.bind(&HEADING).unwrap();
        let line = bound.read(&["2026-11-22", "", "REMB", "", "T-9", "-10.60", "0", "-10.60", "MAD"]).unwrap();
        assert_eq!((line.order, line.gross.minor(), line.kind), (None, -1_060, SettlementKind::Refund));
    }

    #[test]
    fn the_first_bad_cell_is_named() {
        let profile = profile(AmountForm::Point, "%Y-%m-%d");
        let bound = profile.bind(&HEADING).unwrap();
        let good = ["2026-11-22", "", "VENTE", "o", "T-9", "10.60", "0.10", "10.50", "MAD"];
        assert!(bound.read(&good).is_ok());
        for (at, cell, column) in [
            (0, "22.11.2026", "date"),
            (2, "GIFT", "type"),
            (4, "", "trans"),
            (5, "10.601", "brut"),
            (5, "1,000.00", "brut"),
            (5, "", "brut"),
            (5, "99999999999999999999", "brut"),
            (6, "--1", "frais"),
            (7, "1e3", "net"),
            (8, "DH", "devise"),
        ] {
            let mut cells = good;
            cells[at] = cell;
            assert_eq!(&*bound.read(&cells).unwrap_err().column, column, "{cell}");
        }
        assert_eq!(&*bound.read(&good[..6]).unwrap_err().column, "frais");
        assert_eq!(&*profile.bind(&HEADING[..8]).unwrap_err().column, "devise");
        let twice = [HEADING.as_slice(), &["net"]].concat();
        assert_eq!(profile.bind(&twice).unwrap_err().to_string(), "net: expected this column once");
    }
}
