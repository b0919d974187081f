//! PINs of users (`domain.md` \[23\]): digits that a person remembers and another does not guess.

use std::fmt;
use std::str::FromStr;

/// A PIN of 4 to 8 digits that is not among those everybody tries first. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(Box<str>);

impl Pin {
    /// The shortest.
    pub const MIN_LEN: usize = 4;
    /// The longest.
    pub const MAX_LEN: usize = 8;

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A PIN of six digits made of random bytes; `None` when these make a weak one.
    #[must_use]
    pub fn drawn(random: [u8; 8]) -> Option<Self> {
        format!("{:06}", u64::from_be_bytes(random) % 1_000_000).parse().ok()
    }
}

/// Those that lists of leaked PINs begin with and that no rule below finds.
const COMMON: [&str; 12] =
    ["1004", "1122", "1313", "2580", "0852", "1379", "1010", "2001", "159753", "123123", "147258", "121314"];

impl FromStr for Pin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !(Self::MIN_LEN..=Self::MAX_LEN).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("expected 4 to 8 digits");
        }
        if is_weak(text.as_bytes()) {
            return Err("expected a PIN that is harder to guess: no repetition, no sequence, no year");
        }
        Ok(Self(text.into()))
    }
}

fn is_weak(digits: &[u8]) -> bool {
    // The step from digit to digit is the same throughout: 0000, 1234, 9876, 2468; also over the end, as in 7890.
    let step = |pair: &[u8]| (i16::from(pair[1]) - i16::from(pair[0])).rem_euclid(10);
    let constant_step = digits.windows(2).all(|pair| step(pair) == step(&digits[..2]));
    // One part again and again: 1212, 123123.
    let repeats = (1..=digits.len() / 2).any(|length| {
        digits.len().is_multiple_of(length) && digits.chunks(length).all(|chunk| chunk == &digits[..length])
    });
    let mut distinct = digits.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let mirrored = digits.iter().eq(digits.iter().rev());
    let year = digits.len() == 4 && (digits.starts_with(b"19") || digits.starts_with(b"20"));
    let common = COMMON.iter().any(|common| common.as_bytes() == digits);
    constant_step || repeats || mirrored || year || common || distinct.len() < 3
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_pins_are_refused() {
        for weak in [
            "0000", "1111", "99999999", "1234", "123456", "4321", "987654", "7890", "2468", "8642", "1212", "6969",
            "123123", "1221", "123321", "1984", "2010", "1999", "2580", "1112", "1122", "100000",
        ] {
            assert!(weak.parse::<Pin>().is_err(), "{weak}");
        }
        for bad in ["", "123", "123456789", "12a4", "٣٤٥٦", " 1357", "13 57", "-1357", "1357\n"] {
            assert_eq!(bad.parse::<Pin>(), Err("expected 4 to 8 digits"), "{bad:?}");
        }
        for good in ["1357924", "4071", "8305", "274913", "90817263"] {
            assert!(good.parse::<Pin>().is_ok(), "{good}");
        }
    }

    #[test]
    fn a_pin_is_never_printed_and_a_drawn_one_is_not_weak() {
        let pin: Pin = "4071".parse().unwrap();
        assert_eq!(format!("{pin:?}"), "Pin(…)");
        assert_eq!(Pin::drawn(274_913_u64.to_be_bytes()).unwrap().as_str(), "274913");
        assert_eq!(Pin::drawn(0_u64.to_be_bytes()), None);
    }
}
