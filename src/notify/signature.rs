//! Signatures of Standard Webhooks (specification, "Signature scheme", symmetric): HMAC-SHA256 over id, time and body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

/// What every secret begins with; the key in base64 follows.
const PREFIX: &str = "whsec_";

/// The signature of one secret, `v1,` in front. `None` when it is no such secret.
#[must_use]
pub fn sign(secret: &SecretString, id: &str, unix_s: i64, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.expose_secret().strip_prefix(PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of HMAC has any length");
    for part in [id, ".", &unix_s.to_string(), ".", body] {
        mac.update(part.as_bytes());
    }
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// The header `webhook-signature`: one signature per secret. Receivers take any that fits.
#[must_use]
pub fn signatures(secrets: &[SecretString], id: &str, unix_s: i64, body: &str) -> String {
    let all: Vec<_> = secrets.iter().filter_map(|secret| sign(secret, id, unix_s, body)).collect();
    all.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference implementations.
    #[test]
    fn signs_as_the_specification_shows() {
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signature = sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    #[test]
    fn two_secrets_sign_twice_and_what_is_none_not_at_all() {
        let secrets = ["whsec_AAAA", "whsec_BBBB", "tsk_AAAA", "whsec_?"].map(SecretString::from);
        let header = signatures(&secrets, "evt_1", 1, "{}");
        assert_eq!(header.split(' ').count(), 2, "{header}");
        assert!(header.split(' ').all(|signature| signature.starts_with("v1,")));
    }
}
