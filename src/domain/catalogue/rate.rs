//! Percentages, exact.

use std::fmt;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

/// A percentage from 0 to 100 with at most four decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate(Decimal);

impl Rate {
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// From hundredths of a percent.
    #[must_use]
    pub fn of_basis_points(basis_points: i64) -> Self {
        Self(Decimal::new(basis_points, 2))
    }

    #[must_use]
    pub fn percent(self) -> Decimal {
        self.0
    }

    /// This share of an amount in minor units, before rounding. Exact: 19 digits of an amount and 7 of a rate fit.
    #[must_use]
    pub fn of(self, amount_minor: i64) -> Decimal {
        Decimal::from(amount_minor) * self.0 * Decimal::new(1, 2)
    }
}

/// To whole minor units, half to even (IEEE 754 §4.3.1).
///
/// # Panics
/// Never for a share of at most several hundred percent of amounts that leave 64 bits room for it; the ledger checks
/// the range of what it posts.
#[must_use]
pub fn round_half_even(amount_minor: Decimal) -> i64 {
    let rounded = amount_minor.round_dp_with_strategy(0, RoundingStrategy::MidpointNearestEven);
    i64::try_from(rounded).unwrap_or(if rounded.is_sign_negative() { i64::MIN } else { i64::MAX })
}

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a percentage from 0 to 100 with at most four decimals, such as 3.5";
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let rate = Decimal::from_str_exact(text).ok().filter(|_| plain && text.len() <= 8).ok_or(EXPECTED)?.normalize();
        if rate <= Decimal::ONE_HUNDRED && rate.scale() <= 4 { Ok(Self(rate)) } else { Err(EXPECTED) }
    }
}

impl TryFrom<String> for Rate {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_percentages() {
        for (text, printed) in [("3.50", "3.5"), ("0", "0"), ("100", "100"), ("0.0001", "0.0001")] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), printed);
        }
        for bad in ["", "-1", "+1", "100.1", "1e1", "1,5", "0.00001", ".", "1_0", "٣"] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn halves_go_to_the_even_side() {
        let half: Rate = "0.5".parse().unwrap();
        for (amount, share) in [(100, 0), (300, 2), (500, 2), (700, 4), (101, 1), (99, 0)] {
            assert_eq!(round_half_even(half.of(amount)), share, "{amount}");
        }
        let whole: Rate = "100".parse().unwrap();
        assert_eq!(round_half_even(whole.of(i64::MAX)), i64::MAX);
        let odd: Rate = "99.9999".parse().unwrap();
        assert_eq!(odd.of(i64::MAX).to_string().len(), "9223362813664817985.0046".len() + 2);
    }
}
