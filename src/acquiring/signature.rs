//! Signatures over the raw body of a notification, with its time: `t=SECONDS,v1=HEX`, where `HEX` is the HMAC-SHA256 of
//! `SECONDS.BODY`. Stripe signs so, and so does our simulator. Several `v1` may stand there while a secret changes, and
//! several secrets may be known.

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

use crate::domain::Timestamp;
use crate::ports::acquirer::NotificationError;

/// The header for a body signed at `at`.
#[must_use]
pub fn sign(secret: &SecretString, at: Timestamp, body: &[u8]) -> String {
    let seconds = at.unix_s().to_string();
    format!("t={seconds},v1={}", hex::encode(mac(secret, &seconds, body).finalize().into_bytes()))
}

/// When a genuine body was signed.
///
/// # Errors
/// When no known secret signed it, or at a time further from `now` than `tolerance_s`.
pub fn verify(
    header: Option<&str>,
    body: &[u8],
    secrets: &[SecretString],
    now: Timestamp,
    tolerance_s: i64,
) -> Result<Timestamp, NotificationError> {
    let header = header.ok_or(NotificationError::Unsigned)?;
    let mut seconds = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", text)) => seconds = Some(text),
            Some(("v1", text)) => signatures.extend(hex::decode(text).ok()),
            _ => {}
        }
    }
    // The text itself is signed: another way to write the same number is another body.
    let seconds = seconds.ok_or(NotificationError::Unsigned)?;
    let genuine = secrets.iter().any(|secret| {
        let expected = mac(secret, seconds, body);
        signatures.iter().any(|signature| expected.clone().verify_slice(signature).is_ok())
    });
    if !genuine {
        return Err(if signatures.is_empty() {
            NotificationError::Unsigned
        } else {
            NotificationError::WrongSignature
        });
    }
    let signed_s: i64 = seconds.parse().map_err(|_| NotificationError::Stale)?;
    if now.unix_s().abs_diff(signed_s) > tolerance_s.unsigned_abs() {
        return Err(NotificationError::Stale);
    }
    Ok(Timestamp::from_unix_ms(signed_s.saturating_mul(1_000)))
}

fn mac(secret: &SecretString, seconds: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("HMAC takes keys of any length");
    mac.update(seconds.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_334_400;

    fn check(header: &str, body: &[u8], secrets: &[&str], now_s: i64) -> Result<Timestamp, NotificationError> {
        let secrets: Vec<SecretString> = secrets.iter().map(|text| SecretString::from(*text)).collect();
        verify(Some(header), body, &secrets, Timestamp::from_unix_ms(now_s * 1_000), 300)
    }

    fn signed(secret: &str, body: &[u8]) -> String {
        sign(&secret.into(), Timestamp::from_unix_ms(NOW * 1_000), body)
    }

    // python3 -c "import hmac,hashlib;print(hmac.new(b'whsec_test',b'1795334400.{\"id\":\"evt_1\"}',hashlib.sha256).hexdigest())"
    #[test]
    fn the_signature_is_that_of_another_implementation() {
        assert_eq!(
            signed("whsec_test", br#"{"id":"evt_1"}"#),
            "t=1795334400,v1=c5855940a4d6078eec4ee5f695fdce31f67f3d078d3e0a3ab1daaf47a648e5ce"
        );
    }

    #[test]
    fn only_the_raw_body_under_a_known_secret_is_genuine() {
        let header = signed("new", b"body");
        assert!(check(&header, b"body", &["new"], NOW).is_ok());
        assert!(check(&header, b"body", &["old", "new"], NOW).is_ok(), "either secret while one changes");
        assert_eq!(check(&header, b"body ", &["new"], NOW), Err(NotificationError::WrongSignature));
        assert_eq!(check(&header, b"body", &["old"], NOW), Err(NotificationError::WrongSignature));
        assert_eq!(check(&header, b"body", &[], NOW), Err(NotificationError::WrongSignature));
        let both = format!("{},{}", signed("other", b"body"), header.split_once(',').unwrap().1);
        assert!(check(&both, b"body", &["new"], NOW).is_ok(), "several v1");
        let moved = header.replace(&NOW.to_string(), &(NOW + 1).to_string());
        assert_eq!(check(&moved, b"body", &["new"], NOW), Err(NotificationError::WrongSignature));
    }

    #[test]
    fn old_and_future_signatures_are_refused() {
        let header = signed("s", b"body");
        for (now_s, ok) in [(NOW + 300, true), (NOW - 300, true), (NOW + 301, false), (NOW - 301, false)] {
            assert_eq!(check(&header, b"body", &["s"], now_s).is_ok(), ok, "{now_s}");
        }
    }

    #[test]
    fn headers_without_a_signature_are_refused() {
        for header in ["", "t=1795334400", "v1=00", "t=1795334400,v0=00", "t=1795334400,v1=zz", "nonsense"] {
            assert_eq!(check(header, b"body", &["s"], NOW), Err(NotificationError::Unsigned), "{header}");
        }
        assert_eq!(verify(None, b"", &[], Timestamp::EPOCH, 300), Err(NotificationError::Unsigned));
    }
}
