//! How customer care names a subscriber: by the number, or by as much of it as is known.

use std::fmt;

use super::msisdn::{Msisdn, NumberingPlan};

/// Digits that are known at least in front of what is masked, and behind it.
const KNOWN_IN_FRONT: usize = 4;
const KNOWN_BEHIND: usize = 2;

/// A number with digits that are not known, such as our answers and certificates show it: `2126••••78`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MaskedNumber {
    /// The numbers between which it lies, both included.
    pub least: u64,
    pub most: u64,
    /// A power of ten, and what the number leaves over when divided by it.
    pub modulus: u64,
    pub remainder: u64,
}

impl MaskedNumber {
    /// Whether the number may be the one that is meant.
    #[must_use]
    pub fn fits(&self, msisdn: Msisdn) -> bool {
        let digits = msisdn.digits();
        (self.least..=self.most).contains(&digits) && digits % self.modulus == self.remainder
    }
}

/// As personal data is written: the first digits and the last two.
impl fmt::Display for MaskedNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = Msisdn::from_digits(self.least - self.least % 100 + self.remainder % 100);
        shown.map_or(Ok(()), |shown| fmt::Display::fmt(&shown, f))
    }
}

impl fmt::Debug for MaskedNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whom customer care looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriberQuery {
    Whole(Msisdn),
    Masked(MaskedNumber),
}

impl SubscriberQuery {
    /// A number in one of the forms of the plan, or one in its international form of which a run of digits is written as
    /// `*` or `•`, however long the run is written: `+2126****78`, `2126••••78`, `+212612345*78`.
    ///
    /// # Errors
    /// Says what was expected, never what was given.
    pub fn parse(plan: &NumberingPlan, text: &str) -> Result<Self, &'static str> {
        if text.chars().any(is_mask) { masked(plan, text).map(Self::Masked) } else { plan.parse(text).map(Self::Whole) }
    }

    #[must_use]
    pub fn is_whole(&self) -> bool {
        matches!(self, Self::Whole(_))
    }
}

/// Masked, whichever it is.
impl fmt::Display for SubscriberQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(msisdn) => fmt::Display::fmt(msisdn, f),
            Self::Masked(masked) => fmt::Display::fmt(masked, f),
        }
    }
}

fn is_mask(character: char) -> bool {
    matches!(character, '*' | '•')
}

fn masked(plan: &NumberingPlan, text: &str) -> Result<MaskedNumber, &'static str> {
    const EXPECTED: &str = "expected a mobile number such as +212612345678, or one with 4 or more first digits and 2 or more last ones such as +2126****78";
    let digits = text.strip_prefix('+').unwrap_or(text);
    let (front, rest) = digits.split_once(is_mask).ok_or(EXPECTED)?;
    let behind = rest.trim_start_matches(is_mask);
    let only_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let length = plan.country_code.len() + plan.national_digits;
    let hidden = length.checked_sub(front.len() + behind.len()).filter(|hidden| *hidden > 0).ok_or(EXPECTED)?;
    let is_ours = front.starts_with(&plan.country_code);
    if !only_digits(front)
        || !only_digits(behind)
        || front.len() < KNOWN_IN_FRONT
        || behind.len() < KNOWN_BEHIND
        || !is_ours
    {
        return Err(EXPECTED);
    }
    let number = |text: &str| text.parse::<u64>().map_err(|_| EXPECTED);
    let power =
        |digits: usize| u32::try_from(digits).ok().and_then(|digits| 10_u64.checked_pow(digits)).ok_or(EXPECTED);
    let modulus = power(behind.len())?;
    let unknown = power(hidden + behind.len())?;
    let first = number(front)?.checked_mul(unknown).ok_or(EXPECTED)?;
    let remainder = number(behind)?;
    Ok(MaskedNumber { least: first, most: first + (unknown - 1), modulus, remainder })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SubscriberQuery, &'static str> {
        SubscriberQuery::parse(&NumberingPlan::morocco(), text)
    }

    #[test]
    fn a_mask_fits_the_numbers_that_print_like_it() {
        let number = NumberingPlan::morocco().parse("0612345678").unwrap();
        let printed = number.to_string();
        for text in [&printed, "+2126****78", "2126*78", "+212612345*78", "+21261•••••678"] {
            let Ok(SubscriberQuery::Masked(mask)) = parse(text) else { panic!("{text}") };
            assert!(mask.fits(number), "{text}");
            for other in ["0712345679", "0612345679", "0612345688"] {
                let other = NumberingPlan::morocco().parse(other).unwrap();
                assert!(!mask.fits(other), "{text} {other:?}");
            }
        }
        assert_eq!(parse("+212612345*78").unwrap().to_string(), printed);
        assert_eq!(parse("0612345678").unwrap(), SubscriberQuery::Whole(number));
        assert_eq!(parse("0612345678").unwrap().to_string(), printed);
    }

    #[test]
    fn too_little_is_no_question() {
        for bad in [
            "*",
            "+*78",
            "+21*78",
            "2126*",
            "2126*8",
            "+33612*78",
            "06****78",
            "2126*4*78",
            "+212612345678*",
            "21261234567*8",
            "+2126 *78",
            "2126**7 8",
            "2126٣*78",
            "9996*78",
            "212*5678",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
