//! CMI's hash "ver3" over the fields of a form (`domain.md`, "Card: CMI redirect").
//!
//! All fields but `hash` and `encoding`, sorted by name naturally and without case; values trimmed and escaped
//! (`\` becomes `\\`, then `|` becomes `\|`), joined by `|`; then `|` and the store key, escaped likewise. SHA-512 of that
//! in UTF-8, in base64.

use std::cmp::Ordering;
use std::iter::Peekable;
use std::str::Chars;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256, Sha512};

/// What is trimmed: blanks, tabs, ends of lines and zeros.
const BLANKS: [char; 6] = [' ', '\t', '\n', '\r', '\0', '\x0b'];

/// The hash of these fields.
#[must_use]
pub fn ver3<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>, store_key: &SecretString) -> String {
    STANDARD.encode(digest(fields, store_key))
}

/// Whether `given` is the hash of these fields.
#[must_use]
pub fn is_ver3<'a>(
    given: &str,
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    store_key: &SecretString,
) -> bool {
    // Hashed again, so that the time of the comparison tells nothing of the expected value.
    STANDARD.decode(given.trim()).is_ok_and(|given| Sha256::digest(given) == Sha256::digest(digest(fields, store_key)))
}

fn digest<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>, store_key: &SecretString) -> [u8; 64] {
    let mut fields: Vec<_> = fields
        .into_iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("hash") && !name.eq_ignore_ascii_case("encoding"))
        .collect();
    fields.sort_by(|(one, _), (other, _)| natural(one, other));
    let mut hash = Sha512::new();
    for (_, value) in fields {
        hash.update(escaped(value.trim_matches(BLANKS)));
        hash.update("|");
    }
    hash.update(escaped(store_key.expose_secret()));
    hash.finalize().into()
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('|', "\\|")
}

/// Letters by their capitals, runs of digits by their value: `item2` before `Item10`.
fn natural(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one.chars().peekable(), other.chars().peekable());
    loop {
        let order = match (one.peek(), other.peek()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) if a.is_ascii_digit() && b.is_ascii_digit() => {
                let (a, b) = (number(&mut one), number(&mut other));
                a.len().cmp(&b.len()).then_with(|| a.cmp(&b))
            }
            (Some(a), Some(b)) => {
                let order = a.to_ascii_uppercase().cmp(&b.to_ascii_uppercase());
                one.next();
                other.next();
                order
            }
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// The run of digits that comes next, without leading zeros.
fn number(text: &mut Peekable<Chars<'_>>) -> String {
    let mut digits = String::new();
    while let Some(digit) = text.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    digits.trim_start_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_naturally_and_without_case() {
        let mut names = ["Item10", "item2", "ITEM1", "okUrl", "oid", "amount", "HASHAlgorithm", "EXTRA.A", "a"];
        names.sort_by(|one, other| natural(one, other));
        assert_eq!(names, ["a", "amount", "EXTRA.A", "HASHAlgorithm", "ITEM1", "item2", "Item10", "oid", "okUrl"]);
    }

    #[test]
    fn hash_and_encoding_play_no_part_and_all_else_does() {
        let key = SecretString::from("key");
        let fields = [("oid", "1"), ("amount", "10.60"), ("encoding", "UTF-8"), ("HASH", "x")];
        let hash = ver3(fields, &key);
        assert!(is_ver3(&hash, [("Amount", " 10.60 "), ("oid", "1")], &key), "trimmed, in any order and case of names");
        assert!(!is_ver3(&hash, [("amount", "10.6"), ("oid", "1")], &key));
        assert!(!is_ver3(&hash, [("amount", "10.60"), ("oid", "1"), ("more", "")], &key));
        assert!(!is_ver3(&hash, fields, &"other".into()));
        assert!(!is_ver3("", fields, &key) && !is_ver3("not base64", fields, &key));
        assert_ne!(ver3([("a", "1|2")], &key), ver3([("a", "1"), ("b", "2")], &key), "separators are escaped");
    }
}
