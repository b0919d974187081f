//! Short texts that partners choose: up to 32, 64 or 128 printable ASCII characters.

use std::fmt;
use std::str::FromStr;

macro_rules! printable_ascii {
    ($(#[$doc:meta])* $name:ident, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            pub const MAX_LEN: usize = $max;

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
                if (1..=$max).contains(&text.len()) && printable {
                    Ok(Self(text.into()))
                } else {
                    Err(concat!("expected 1 to ", $max, " printable ASCII characters"))
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

printable_ascii!(
    /// The key that a client chooses and stores before sending; unique per (partner, reseller).
    ExternalId,
    64
);
printable_ascii!(
    /// One device of a partner or reseller.
    TerminalId,
    32
);
printable_ascii!(
    /// What tells the records of one kind and owner apart.
    RecordId,
    128
);

macro_rules! sentence {
    ($(#[$doc:meta])* $name:ident, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// In characters.
            pub const MAX_LEN: usize = $max;

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let fits = text.chars().take($max + 1).count() <= $max;
                let blank = text.trim().is_empty();
                if fits && !blank && !text.chars().any(char::is_control) {
                    Ok(Self(text.into()))
                } else {
                    Err(concat!("expected 1 to ", $max, " characters, not all blank, without control characters"))
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

sentence!(
    /// Why a person did something, in their own words and language.
    Reason,
    200
);
sentence!(
    /// The document that something rests on: an order, a minute, a letter.
    DocumentReference,
    64
);

/// Digits of the shortest card number.
const SHORTEST_CARD_NUMBER: usize = 13;

/// Whether `text` holds a card number: 13 to 19 digits standing alone (spaces or dashes between groups
/// allowed) with a card-brand prefix and a valid Luhn sum (ISO/IEC 7812-1 annex B).
#[must_use]
pub fn contains_card_number(text: &str) -> bool {
    let bytes = text.as_bytes();
    // Nearly every text of a request or of a file has fewer, and is done with here.
    if bytes.iter().filter(|byte| byte.is_ascii_digit()).count() < SHORTEST_CARD_NUMBER {
        return false;
    }
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            // A run that begins inside a word does not stand alone: skip the word.
            let wordy = bytes[at].is_ascii_alphanumeric();
            at += 1;
            while wordy && at < bytes.len() && bytes[at].is_ascii_alphanumeric() {
                at += 1;
            }
            continue;
        }
        let mut digits = Vec::with_capacity(20);
        let mut group_ends = Vec::new();
        while at < bytes.len() {
            if bytes[at].is_ascii_digit() {
                digits.push(bytes[at] - b'0');
                at += 1;
            } else if matches!(bytes[at], b' ' | b'-') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
                group_ends.push(digits.len());
                at += 1;
            } else {
                break;
            }
        }
        let followed_by_word = bytes.get(at).is_some_and(u8::is_ascii_alphabetic);
        group_ends.push(digits.len());
        let starts = std::iter::once(0).chain(group_ends.iter().copied());
        let is_card = starts.flat_map(|start| group_ends.iter().map(move |&end| (start, end))).any(|(start, end)| {
            let glued = followed_by_word && end == digits.len();
            start < end && !glued && is_card_number(&digits[start..end])
        });
        if is_card {
            return true;
        }
    }
    false
}

fn is_card_number(digits: &[u8]) -> bool {
    (SHORTEST_CARD_NUMBER..=19).contains(&digits.len()) && has_brand_prefix(digits) && luhn_is_valid(digits)
}

/// Prefixes and lengths of the card brands in use in Morocco and of their visitors.
fn has_brand_prefix(digits: &[u8]) -> bool {
    let prefix = |len: usize| digits[..len].iter().fold(0_u32, |number, &digit| number * 10 + u32::from(digit));
    match digits.len() {
        13 | 16 | 18 | 19 if digits[0] == 4 => true, // Visa
        15 => matches!(prefix(2), 34 | 37),          // American Express
        14 => matches!(prefix(2), 36 | 38 | 39) || (300..=305).contains(&prefix(3)), // Diners Club
        16..=19 => {
            (51..=55).contains(&prefix(2))                    // Mastercard
                || (2221..=2720).contains(&prefix(4))         // Mastercard
                || (3528..=3589).contains(&prefix(4))         // JCB
                || matches!(prefix(2), 50 | 56..=58 | 62 | 65 | 67) // Maestro, UnionPay, Discover
                || prefix(4) == 6011                          // Discover
                || (644..=649).contains(&prefix(3))           // Discover
                || matches!(prefix(2), 60 | 63) // national schemes and Maestro
        }
        12.. => matches!(prefix(2), 50 | 56..=58 | 67), // Maestro of 13 to 15 digits
        _ => false,
    }
}

fn luhn_is_valid(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(position, &digit)| match (position % 2, u32::from(digit) * 2) {
            (0, _) => u32::from(digit),
            (_, doubled) if doubled > 9 => doubled - 9,
            (_, doubled) => doubled,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Whether a text names a system of others: 1 to 32 of `a` to `z`, digits and `_`, a letter first.
#[must_use]
pub fn is_peer_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=32).contains(&text.len()) && text.bytes().all(plain) && text.as_bytes()[0].is_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn external_ids_are_printable_ascii() {
        for good in ["a", "atm7-000123", " ", "~", &"x".repeat(64)] {
            assert!(good.parse::<ExternalId>().is_ok(), "{good}");
        }
        for bad in ["", &"x".repeat(65), "é", "a\n", "a\0", "٣"] {
            assert!(bad.parse::<ExternalId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn reasons_are_in_any_language_and_never_blank() {
        for good in ["a", "تعبئة رمضان", "Réassort de l'Oriental", &"é".repeat(200)] {
            assert!(good.parse::<Reason>().is_ok(), "{good}");
        }
        for bad in ["", "  ", "a\nb", "a\0", &"é".repeat(201)] {
            assert!(bad.parse::<Reason>().is_err(), "{bad}");
        }
        assert!("x".repeat(65).parse::<DocumentReference>().is_err());
    }

    #[test]
    fn card_numbers_are_found_wherever_they_stand_alone() {
        // Published test numbers of the card brands.
        for card in [
            "4242424242424242",
            "4242 4242 4242 4242",
            "4242-4242-4242-4242",
            "paid with 5555555555554444.",
            "378282246310005",
            "2223003122003222",
            "6011111111111117",
            "30569309025904",
            "order 12 4242424242424242",
            "\"4242424242424242\"",
        ] {
            assert!(contains_card_number(card), "{card}");
        }
    }

    #[test]
    fn other_digits_pass() {
        for fine in [
            "",
            "atm7-000123",
            "x4242424242424242",
            "4242424242424242x",
            "4242424242424241",
            "424242424242",
            "42424242424242424242",
            "0000000000000000",
            "1234567890123",
            "2026112208300001",
            "0193a1b2-7c00-7000-8000-000000000000",
        ] {
            assert!(!contains_card_number(fine), "{fine}");
        }
    }
}
