//! Resellers: what decisions read of them, and the texts that name them.

use std::fmt;
use std::str::FromStr;

use std::sync::Arc;

use super::account::AccountNumber;
use super::encoding::Hash;
use super::ids::ResellerId;
use super::text::contains_card_number;

/// Whether a reseller may trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    Active,
    Suspended,
    /// For ever: nothing opens it again.
    Closed,
}

impl Standing {
    pub const ALL: [Self; 3] = [Self::Active, Self::Suspended, Self::Closed];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.name() == name)
    }
}

/// Limits on what a reseller sells; `None` is unlimited. Holds count (`domain.md` \[17\]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub per_operation_minor: Option<i64>,
    pub per_day_count: Option<i64>,
    pub per_day_minor: Option<i64>,
}

/// Name of a level of the network, such as `distributor`: 1 to 24 of a–z, 0–9 and _, beginning with a letter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LevelName {
    length: u8,
    bytes: [u8; Self::MAX_LEN],
}

impl LevelName {
    pub const MAX_LEN: usize = 24;

    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).expect("it was made of ASCII")
    }
}

impl FromStr for LevelName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if !begins || text.len() > Self::MAX_LEN || !text.bytes().all(fits) {
            return Err("expected 1 to 24 of a-z, 0-9 and _, beginning with a letter");
        }
        let mut bytes = [0; Self::MAX_LEN];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self { length: u8::try_from(text.len()).expect("at most 24"), bytes })
    }
}

impl fmt::Display for LevelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for LevelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The operator's own code for a reseller: what spreadsheets take for a formula cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResellerCode(Box<str>);

impl ResellerCode {
    pub const MAX_LEN: usize = 64;

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ResellerCode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:#".contains(&byte);
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if !begins || text.len() > Self::MAX_LEN || !text.bytes().all(fits) {
            return Err("expected 1 to 64 of A-Z, a-z, 0-9 and ._-/:#, beginning with a letter or a digit");
        }
        if contains_card_number(text) {
            return Err("looks like a card number, which must never be sent here");
        }
        Ok(Self(text.into()))
    }
}

/// What a reseller is called, in any script.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResellerName(Box<str>);

impl ResellerName {
    /// In characters.
    pub const MAX_CHARS: usize = 120;

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ResellerName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim() != text || text.is_empty() || text.chars().count() > Self::MAX_CHARS {
            return Err("expected 1 to 120 characters without spaces around them");
        }
        if text.starts_with(['=', '+', '-', '@']) {
            return Err("begins with = + - or @, which spreadsheets take for a formula");
        }
        if text.chars().any(|c| c.is_control() || reorders(c)) {
            return Err("holds control characters, or characters that reorder those around them");
        }
        if contains_card_number(text) {
            return Err("looks like a card number, which must never be sent here");
        }
        Ok(Self(text.into()))
    }
}

/// Embeddings, overrides and isolates of Unicode's bidirectional algorithm (UAX #9 §2.1–2.4), with which a name can
/// pretend to be another, line and paragraph separators, and the byte order mark. Plain marks of direction, which
/// Arabic names hold, are none of these.
fn reorders(c: char) -> bool {
    matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fffd}')
}

/// The state of a reseller that decisions read. Changed by engine commands only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reseller {
    pub id: ResellerId,
    pub stock_account: AccountNumber,
    pub standing: Standing,
    pub limits: Limits,
    /// Whom it stands below; `None` at the top of the network.
    pub parent: Option<ResellerId>,
    pub level: LevelName,
    /// Digest of its place in the network, which is in the registry: code, name, level and parent.
    pub place: Hash,
    /// Rises with each change of what is known of it; 1 at its opening.
    pub version: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_short_plain_words() {
        for good in ["distributor", "l2", "a", "sub_dealer", &"x".repeat(24)] {
            let level: LevelName = good.parse().unwrap();
            assert_eq!((level.as_str(), level.to_string().as_str()), (good, good));
        }
        for bad in ["", "Outlet", "2l", "_a", "é", "a b", &"x".repeat(25)] {
            assert!(bad.parse::<LevelName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_code_is_no_formula_and_no_card() {
        for good in ["R1", "shop-1", "D01-W01/O001", "7", "CASA#12.b:3", &"x".repeat(64)] {
            assert_eq!(good.parse::<ResellerCode>().unwrap().as_str(), good);
        }
        for bad in ["", "=1+1", "+1", "-1", "@x", " R1", "R1 ", "R 1", "é", "R\0", "4111111111111111", &"x".repeat(65)]
        {
            assert!(bad.parse::<ResellerCode>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_name_is_in_any_script_and_pretends_nothing() {
        for good in ["Épicerie d'Aïn Sebaâ", "تعبئة السلام", "Téléboutique 7 - \u{200f}الرباط", "A", &"é".repeat(120)]
        {
            assert_eq!(good.parse::<ResellerName>().unwrap().as_str(), good);
        }
        let card = "Hanout 4111 1111 1111 1111";
        for bad in ["", " A", "A ", "=HYPERLINK(1)", "+A", "-A", "@A", "A\tB", "A\nB", "A\0", "A\u{202e}B", card] {
            assert!(bad.parse::<ResellerName>().is_err(), "{bad:?}");
        }
        assert!("é".repeat(121).parse::<ResellerName>().is_err());
    }
}

/// A reseller on the way from another up to the top of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    pub reseller: ResellerId,
    pub level: LevelName,
}

/// A reseller and all above it, from the bottom up.
pub type Ancestry = Arc<[Rung]>;
