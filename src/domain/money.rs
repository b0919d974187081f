//! Amounts: `i64` minor units with a currency whose exponent comes from ISO 4217 (MAD 2, XOF 0).
//! Arithmetic is checked: it never wraps and never rounds silently.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;

/// A currency of ISO 4217 that has minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    pub const MAD: Self = Self(iso_currency::Currency::MAD);
    pub const XOF: Self = Self(iso_currency::Currency::XOF);

    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Number of the currency: 504 for MAD (ISO 4217).
    #[must_use]
    pub fn numeric(self) -> u16 {
        self.0.numeric()
    }

    #[must_use]
    pub fn from_numeric(numeric: u16) -> Option<Self> {
        let currency = iso_currency::Currency::from_numeric(numeric)?;
        currency.exponent().map(|_| Self(currency))
    }

    /// Decimals of the currency: 2 for MAD, 0 for XOF (ISO 4217).
    #[must_use]
    pub fn exponent(self) -> u32 {
        u32::from(self.0.exponent().unwrap_or(0))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a currency code of ISO 4217 such as MAD";
        let currency = iso_currency::Currency::from_code(text).ok_or(EXPECTED)?;
        currency.exponent().ok_or(EXPECTED).map(|_| Self(currency))
    }
}

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("expected a decimal number in ASCII digits such as \"20.00\", without sign, exponent or spaces")]
    Malformed,
    #[error("expected no more decimals than the currency has")]
    TooManyDecimals,
    #[error("expected more than zero")]
    Zero,
    #[error("the amount is too large")]
    TooLarge,
}

/// An amount of one currency, in minor units. May be negative where a balance may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    #[must_use]
    pub fn from_minor(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Parses a positive amount as the contract writes it: `20`, `20.5` and `20.00` are the same.
    ///
    /// # Errors
    /// [`MoneyError`] says what was expected.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let (whole, decimals) = match text.split_once('.') {
            Some((whole, decimals)) if !decimals.is_empty() => (whole, decimals),
            Some(_) => return Err(MoneyError::Malformed),
            None => (text, ""),
        };
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(decimals) {
            return Err(MoneyError::Malformed);
        }
        if text.len() > 64 {
            return Err(MoneyError::TooLarge);
        }
        if decimals.len() > currency.exponent() as usize {
            return Err(MoneyError::TooManyDecimals);
        }
        let mut amount = Decimal::from_str_exact(text).map_err(|_| MoneyError::TooLarge)?;
        amount.rescale(currency.exponent());
        if amount.scale() != currency.exponent() {
            return Err(MoneyError::TooLarge);
        }
        let minor = i64::try_from(amount.mantissa()).map_err(|_| MoneyError::TooLarge)?;
        if minor == 0 { Err(MoneyError::Zero) } else { Ok(Self { minor, currency }) }
    }

    #[must_use]
    pub fn minor(self) -> i64 {
        self.minor
    }

    #[must_use]
    pub fn currency(self) -> Currency {
        self.currency
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Decimal::from_i128_with_scale(i128::from(self.minor), self.currency.exponent()).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_prints_as_the_contract_says() {
        for (text, printed) in [
            ("20", "20.00"),
            ("20.5", "20.50"),
            ("20.00", "20.00"),
            ("0.01", "0.01"),
            ("00020", "20.00"),
            ("92233720368547758.07", "92233720368547758.07"),
        ] {
            let money = Money::parse(text, Currency::MAD).unwrap();
            assert_eq!(money.to_string(), printed);
        }
        assert_eq!(Money::parse("20", Currency::XOF).unwrap().to_string(), "20");
        assert_eq!(Money::from_minor(-5, Currency::MAD).to_string(), "-0.05");
    }

    #[test]
    fn refuses_what_is_not_an_amount() {
        use MoneyError::{Malformed, TooLarge, TooManyDecimals, Zero};
        for (text, error) in [
            ("", Malformed),
            ("1e3", Malformed),
            ("-5", Malformed),
            ("+5", Malformed),
            (" 5", Malformed),
            ("5 ", Malformed),
            ("5.", Malformed),
            (".5", Malformed),
            ("1,000", Malformed),
            ("1.2.3", Malformed),
            ("NaN", Malformed),
            ("inf", Malformed),
            ("٢٠", Malformed),
            ("1_000", Malformed),
            ("0", Zero),
            ("0.00", Zero),
            ("20.001", TooManyDecimals),
            ("9999999999999999999.00", TooLarge),
            ("92233720368547758.08", TooLarge),
        ] {
            assert_eq!(Money::parse(text, Currency::MAD), Err(error), "{text}");
        }
        assert_eq!(Money::parse(&"9".repeat(100), Currency::MAD), Err(TooLarge));
        assert_eq!(Money::parse("20.5", Currency::XOF), Err(TooManyDecimals));
    }

    proptest::proptest! {
        #[test]
        fn printing_then_parsing_is_the_identity(minor in 1..=i64::MAX) {
            for currency in [Currency::MAD, Currency::XOF] {
                let money = Money::from_minor(minor, currency);
                proptest::prop_assert_eq!(Money::parse(&money.to_string(), currency), Ok(money));
            }
        }

        #[test]
        fn parsing_never_panics(text in ".*") {
            let _ = Money::parse(&text, Currency::MAD);
        }
    }
}
