//! Subscriber numbers in E.164. Parsed once; `Debug` and `Display` mask them (`domain.md` \[25\]).

use std::fmt;

use super::encoding::{Encoder, Hash};

/// How national numbers of the configured country are written (`domain.md`, Morocco).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberingPlan {
    /// Country code without `+`, such as `212`.
    pub country_code: String,
    /// What a national number begins with, such as `0`.
    pub trunk_prefix: String,
    /// Digits of a national significant number, such as 9.
    pub national_digits: usize,
    /// First digits of the significant number of a mobile line, such as `6` and `7`.
    pub mobile_prefixes: Vec<String>,
}

impl NumberingPlan {
    #[must_use]
    pub fn morocco() -> Self {
        Self {
            country_code: "212".into(),
            trunk_prefix: "0".into(),
            national_digits: 9,
            mobile_prefixes: vec!["6".into(), "7".into()],
        }
    }

    /// Accepts E.164 (`+212612345678`) and the national form (`0612345678`).
    ///
    /// # Errors
    /// Says what was expected, never what was given.
    pub fn parse(&self, text: &str) -> Result<Msisdn, &'static str> {
        const EXPECTED: &str = "expected a mobile number such as +212612345678, in ASCII digits";
        let national = match text.strip_prefix('+') {
            Some(international) => international.strip_prefix(self.country_code.as_str()),
            None => text.strip_prefix(self.trunk_prefix.as_str()),
        }
        .ok_or(EXPECTED)?;
        let mobile = self.mobile_prefixes.iter().any(|prefix| national.starts_with(prefix.as_str()));
        if national.len() != self.national_digits || !national.bytes().all(|b| b.is_ascii_digit()) || !mobile {
            return Err(EXPECTED);
        }
        let digits = format!("{}{national}", self.country_code).parse().map_err(|_| EXPECTED)?;
        Msisdn::from_digits(digits).ok_or(EXPECTED)
    }
}

/// A subscriber number: country code and national number, at most 15 digits (E.164 §6).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Msisdn(u64);

impl Msisdn {
    const MAX_DIGITS: u64 = 999_999_999_999_999;

    /// From the stored number, without the plan's rules: an old number stays readable when plans change.
    #[must_use]
    pub fn from_digits(digits: u64) -> Option<Self> {
        (10_000..=Self::MAX_DIGITS).contains(&digits).then_some(Self(digits))
    }

    #[must_use]
    pub fn digits(self) -> u64 {
        self.0
    }

    /// The number in full. Only for the wire and the store, never for logs.
    #[must_use]
    pub fn e164(self) -> String {
        format!("+{}", self.0)
    }

    /// What hashes are over in its place, so that the number and its salt can be erased later (`domain.md` \[26\]).
    #[must_use]
    pub fn digest(self, salt: &[u8; 16]) -> Hash {
        Encoder::new("taabia/msisdn/1").bytes(salt).text(&self.e164()).sha256()
    }
}

impl fmt::Display for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        write!(f, "{}••••{}", &digits[..digits.len().min(8) - 4], &digits[digits.len() - 2..])
    }
}

impl fmt::Debug for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_one_number() {
        let plan = NumberingPlan::morocco();
        let number = plan.parse("+212612345678").unwrap();
        assert_eq!(plan.parse("0612345678"), Ok(number));
        assert_eq!(number.e164(), "+212612345678");
    }

    #[test]
    fn refuses_other_texts() {
        let plan = NumberingPlan::morocco();
        for bad in [
            "",
            "+",
            "0",
            "+21261234567",
            "+2126123456789",
            "+212512345678",
            "612345678",
            "00212612345678",
            "+33612345678",
            "+2126123A5678",
            "+٢١٢٦١٢٣٤٥٦٧٨",
            "٠٦١٢٣٤٥٦٧٨",
            "+212 612345678",
            "+212-612345678",
        ] {
            assert!(plan.parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn it_is_masked_wherever_it_is_printed() {
        let number = NumberingPlan::morocco().parse("+212612345678").unwrap();
        assert_eq!(format!("{number} {number:?}"), "2126••••78 2126••••78");
    }
}
