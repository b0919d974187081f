//! What the simulator knows: every refill by its reference, and the sum of what took effect.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Bound;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ending::Verdict;
use crate::domain::{Currency, Msisdn};

/// The caller's reference: 1 to 64 ASCII letters, digits, `-`, `_` or `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Reference(Box<str>);

impl FromStr for Reference {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if (1..=64).contains(&text.len()) && plain {
            Ok(Self(text.into()))
        } else {
            Err("reference: expected 1 to 64 ASCII letters, digits, '-', '_' or '.'")
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is asked for under a reference; it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refill {
    pub msisdn: Msisdn,
    /// Below zero when credit is taken back.
    pub amount_minor: i64,
    pub currency: Currency,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub refill: Refill,
    pub verdict: Verdict,
    /// How often it took effect.
    pub applied: u32,
}

/// An entry as it is written: over HTTP, and one per line in the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WrittenEntry {
    pub reference: String,
    pub msisdn: String,
    pub amount_minor: i64,
    pub currency: String,
    pub result: String,
    pub code: String,
    pub applied: u32,
}

impl WrittenEntry {
    pub(super) fn new(reference: &Reference, entry: &Entry) -> Self {
        Self {
            reference: reference.to_string(),
            msisdn: entry.refill.msisdn.e164(),
            amount_minor: entry.refill.amount_minor,
            currency: entry.refill.currency.code().to_owned(),
            result: entry.verdict.result().to_owned(),
            code: entry.verdict.code().to_owned(),
            applied: entry.applied,
        }
    }

    /// Back from the record.
    pub(super) fn read(&self) -> Result<(Reference, Entry), &'static str> {
        let refill = Refill {
            msisdn: parse_msisdn(&self.msisdn)?,
            amount_minor: Some(self.amount_minor).filter(|minor| *minor != 0).ok_or("amount_minor: expected some")?,
            currency: self.currency.parse()?,
        };
        let verdict = Verdict::from_code(&self.code).ok_or("code: not one that is recorded")?;
        Ok((self.reference.parse()?, Entry { refill, verdict, applied: self.applied }))
    }
}

/// E.164, with or without `+`.
pub(super) fn parse_msisdn(text: &str) -> Result<Msisdn, &'static str> {
    const EXPECTED: &str = "msisdn: expected E.164 such as +212612345678";
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.len() > 15 || digits.starts_with('0') || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(EXPECTED);
    }
    digits.parse().ok().and_then(Msisdn::from_digits).ok_or(EXPECTED)
}

pub(super) fn parse_amount(minor: i64) -> Result<i64, &'static str> {
    if minor > 0 { Ok(minor) } else { Err("amount_minor: expected more than zero") }
}

/// Of what took effect: how many refills, and what they are worth without what was taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Summary {
    pub count: u64,
    pub total_minor: i128,
}

/// All entries, by reference.
#[derive(Debug, Default)]
pub(super) struct Books {
    entries: BTreeMap<Reference, Entry>,
    summary: Summary,
    /// What each line has.
    balances: HashMap<Msisdn, i128>,
}

impl Books {
    pub(super) fn get(&self, reference: &Reference) -> Option<&Entry> {
        self.entries.get(reference)
    }

    /// Writes the entry as it now is.
    pub(super) fn put(&mut self, reference: Reference, entry: Entry) {
        let effect = |entry: &Entry| {
            let refills = if entry.refill.amount_minor > 0 { entry.applied } else { 0 };
            (u64::from(refills), i128::from(entry.refill.amount_minor) * i128::from(entry.applied))
        };
        let balance = self.balances.entry(entry.refill.msisdn).or_default();
        if let Some(former) = self.entries.get(&reference) {
            let (count, minor) = effect(former);
            self.summary.count -= count;
            self.summary.total_minor -= minor;
            *balance -= minor;
        }
        let (count, minor) = effect(&entry);
        self.summary.count += count;
        self.summary.total_minor += minor;
        *balance += minor;
        self.entries.insert(reference, entry);
    }

    /// What a line has, in minor units.
    pub(super) fn balance(&self, msisdn: Msisdn) -> i128 {
        self.balances.get(&msisdn).copied().unwrap_or_default()
    }

    /// All, by reference.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&Reference, &Entry)> {
        self.entries.iter()
    }

    pub(super) fn summary(&self) -> Summary {
        self.summary
    }

    /// What took effect, by reference, beginning after `after`.
    pub(super) fn applied(&self, after: Option<&Reference>) -> impl Iterator<Item = (&Reference, &Entry)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.entries.range::<Reference, _>((from, Bound::Unbounded)).filter(|(_, entry)| entry.applied > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(amount_minor: i64, applied: u32) -> Entry {
        let msisdn = Msisdn::from_digits(212_612_345_678).unwrap();
        let refill = Refill { msisdn, amount_minor, currency: Currency::MAD };
        let verdict = if applied > 0 { Verdict::Approved } else { Verdict::SystemDown };
        Entry { refill, verdict, applied }
    }

    #[test]
    fn the_summary_is_the_sum_of_the_entries() {
        let mut books = Books::default();
        let put = |books: &mut Books, reference: &str, entry| books.put(reference.parse().unwrap(), entry);
        put(&mut books, "3", entry(500, 1));
        put(&mut books, "1", entry(2_000, 1));
        put(&mut books, "1", entry(2_000, 2));
        put(&mut books, "2", entry(700, 0));
        put(&mut books, "4", entry(i64::MAX, 2));
        let total_minor = 4_500 + 2 * i128::from(i64::MAX);
        assert_eq!(books.summary(), Summary { count: 5, total_minor });
        let listed: Vec<_> = books.applied(None).map(|(reference, _)| reference.to_string()).collect();
        assert_eq!(listed, ["1", "3", "4"]);
        assert_eq!(books.applied(Some(&"3".parse().unwrap())).count(), 1);
    }

    #[test]
    fn what_is_taken_back_is_no_refill() {
        let mut books = Books::default();
        books.put("1".parse().unwrap(), entry(2_000, 1));
        books.put("2".parse().unwrap(), entry(-500, 1));
        assert_eq!(books.summary(), Summary { count: 1, total_minor: 1_500 });
        assert_eq!(books.balance(entry(1, 1).refill.msisdn), 1_500);
        assert_eq!(books.balance(Msisdn::from_digits(212_600_000_000).unwrap()), 0);
    }

    #[test]
    fn entries_read_back_as_written() {
        for entry in [entry(2_000, 1), entry(1, 0), entry(-500, 1)] {
            let reference: Reference = "9223372036854775807".parse().unwrap();
            assert_eq!(WrittenEntry::new(&reference, &entry).read(), Ok((reference, entry)));
        }
    }

    #[test]
    fn wrong_references_and_numbers_are_refused() {
        for wrong in ["", "a b", "a/b", "é", &"1".repeat(65)] {
            assert!(wrong.parse::<Reference>().is_err(), "{wrong}");
        }
        for wrong in ["", "+", "0612345678", "+1234", "+2126123456789012", "+21261234567a", "++212612345678"] {
            assert!(parse_msisdn(wrong).is_err(), "{wrong}");
        }
    }
}
