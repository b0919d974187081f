//! Charging systems by name, and which of them a recharge was sent to.

use std::fmt;
use std::str::FromStr;

use super::msisdn::Msisdn;
use super::text::is_peer_name;

const MAX_NAME: usize = 32;

/// Name of a charging system: 1 to 32 of `a` to `z`, digits and `_`, a letter first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemName([u8; MAX_NAME]);

impl SystemName {
    /// The one that is configured first, and the only one of most installations.
    pub const MAIN: Self = {
        let mut bytes = [0; MAX_NAME];
        (bytes[0], bytes[1], bytes[2], bytes[3]) = (b'm', b'a', b'i', b'n');
        Self(bytes)
    };

    #[must_use]
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(MAX_NAME);
        std::str::from_utf8(&self.0[..length]).expect("a name is ASCII")
    }
}

impl FromStr for SystemName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !is_peer_name(text) {
            return Err("expected 1 to 32 of a-z, 0-9 and _, a letter first");
        }
        let mut bytes = [0; MAX_NAME];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self(bytes))
    }
}

impl fmt::Display for SystemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for SystemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// The charging systems that were asked for a refill, one after the other. All but the last said that the line is not
/// theirs. Written down before each is asked, so that a doubt is looked up at the right one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskedSystems(
    /// Empty for the main system alone, which is what most recharges have.
    Box<[SystemName]>,
);

impl AskedSystems {
    #[must_use]
    pub fn first(system: SystemName) -> Self {
        if system == SystemName::MAIN { Self::default() } else { Self([system].into()) }
    }

    /// The one that was asked last.
    #[must_use]
    pub fn last(&self) -> SystemName {
        self.0.last().copied().unwrap_or(SystemName::MAIN)
    }

    /// All of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = SystemName> {
        let main = self.0.is_empty().then_some(SystemName::MAIN);
        main.into_iter().chain(self.0.iter().copied())
    }

    /// One more is asked.
    #[must_use]
    pub fn with(&self, next: SystemName) -> Self {
        Self(self.iter().chain([next]).collect())
    }

    /// Whether it was sent on by the first.
    #[must_use]
    pub fn was_sent_on(&self) -> bool {
        self.0.len() > 1
    }

    #[must_use]
    pub fn is_main_alone(&self) -> bool {
        self.0.is_empty()
    }
}

/// `tmf,main`
impl fmt::Display for AskedSystems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, system) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{system}")?;
        }
        Ok(())
    }
}

impl FromStr for AskedSystems {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let systems: Box<[SystemName]> = text.split(',').map(str::parse).collect::<Result<_, _>>()?;
        if *systems == [SystemName::MAIN] { Err("the main system alone has no text") } else { Ok(Self(systems)) }
    }
}

/// Numbers that a charging system is known for, as a hint: a number that was ported is another one's
/// (`domain.md` \[22\]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumberRange {
    /// All that begin with these digits, country code first.
    Prefix(Box<str>),
    /// From one number to another, both included.
    Between(u64, u64),
}

impl NumberRange {
    /// How many numbers it covers, when `msisdn` is one of them.
    #[must_use]
    pub fn size_around(&self, msisdn: Msisdn) -> Option<u64> {
        match self {
            Self::Prefix(prefix) => {
                let digits = msisdn.digits().to_string();
                let free = digits.strip_prefix(&**prefix)?.len();
                10_u64.checked_pow(u32::try_from(free).ok()?)
            }
            Self::Between(first, last) => (*first..=*last).contains(&msisdn.digits()).then(|| last - first + 1),
        }
    }
}

/// `+2126`, or `+212661000000-+212661999999`.
impl FromStr for NumberRange {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a prefix such as +2126, or a range such as +212661000000-+212661999999";
        let digits = |text: &str| {
            let digits = text.trim().strip_prefix('+')?;
            let plain = (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.to_owned())
        };
        let Some((first, last)) = text.split_once('-') else {
            return digits(text).map(|prefix| Self::Prefix(prefix.into())).ok_or(EXPECTED);
        };
        let (first, last) = digits(first).zip(digits(last)).ok_or(EXPECTED)?;
        let range: Option<(u64, u64)> = first.parse().ok().zip(last.parse().ok());
        let fits = first.len() == last.len() && !first.starts_with('0');
        match range.filter(|(first, last)| fits && first <= last) {
            Some((first, last)) => Ok(Self::Between(first, last)),
            None => Err(EXPECTED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for text in ["main", "a", "in_2", "abcdefghijklmnopqrstuvwxyz012345"] {
            assert_eq!(text.parse::<SystemName>().unwrap().to_string(), text);
        }
        assert_eq!("main".parse(), Ok(SystemName::MAIN));
        for bad in ["", "2a", "_a", "A", "a-b", "a,b", "abcdefghijklmnopqrstuvwxyz0123456", "é"] {
            assert!(bad.parse::<SystemName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn who_was_asked_has_one_text() {
        let name = |text: &str| text.parse::<SystemName>().unwrap();
        let main = AskedSystems::first(SystemName::MAIN);
        assert_eq!((main.last(), main.is_main_alone(), main.to_string()), (SystemName::MAIN, true, String::new()));
        let on = main.with(name("tmf"));
        assert_eq!((on.last(), on.was_sent_on(), on.to_string()), (name("tmf"), true, "main,tmf".into()));
        let other = AskedSystems::first(name("tmf"));
        assert_eq!((other.last(), other.was_sent_on(), other.to_string()), (name("tmf"), false, "tmf".into()));
        for asked in [on, other.clone(), other.with(SystemName::MAIN)] {
            assert_eq!(asked.to_string().parse(), Ok(asked));
        }
        for bad in ["", "main", "a,", "a;b"] {
            assert!(bad.parse::<AskedSystems>().is_err(), "{bad}");
        }
    }

    #[test]
    fn ranges_cover_what_they_say() {
        let number = Msisdn::from_digits(212_661_234_567).unwrap();
        let size = |text: &str| text.parse::<NumberRange>().unwrap().size_around(number);
        assert_eq!(size("+2126"), Some(100_000_000));
        assert_eq!(size("+212661"), Some(1_000_000));
        assert_eq!(size("+2127"), None);
        assert_eq!(size("+212661000000-+212661999999"), Some(1_000_000));
        assert_eq!(size("+212661234567-+212661234567"), Some(1));
        assert_eq!(size("+212661234568-+212661999999"), None);
        for bad in ["", "+", "2126", "+21a", "+1234567890123456", "+2-+1", "+10-+100", "+2126-", "-+2126"] {
            assert!(bad.parse::<NumberRange>().is_err(), "{bad}");
        }
    }
}
