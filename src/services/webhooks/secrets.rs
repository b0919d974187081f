//! Secrets of endpoints. None is stored: each is an HMAC-SHA256 of the endpoint's id and the secret's version under one
//! key of the installation, which lives in a file or in the configuration, never in the database, the log or a backup of
//! either. Whoever has the database alone can sign nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::domain::WebhookId;
use crate::ports::Randomness;

/// The installation's key: 32 bytes, written as 64 hexadecimal digits.
pub struct WebhookKey {
    digits: SecretString,
    fingerprint: String,
}

impl WebhookKey {
    /// # Errors
    /// What was expected; the text is not repeated.
    pub fn parse(text: &SecretString) -> Result<Self, &'static str> {
        let digits = text.expose_secret().trim();
        let bytes: [u8; 32] =
            hex::decode(digits).ok().and_then(|bytes| bytes.try_into().ok()).ok_or("expected 64 hexadecimal digits")?;
        let fingerprint = Sha256::digest([b"taabia/webhook-key/1".as_slice(), &bytes].concat());
        Ok(Self { digits: digits.to_owned().into(), fingerprint: hex::encode(&fingerprint[..8]) })
    }

    /// A new one, as it is written.
    #[must_use]
    pub fn draw(randomness: &dyn Randomness) -> SecretString {
        let mut bytes = [0; 32];
        randomness.fill(&mut bytes);
        hex::encode(bytes).into()
    }

    /// Which key it is; it opens nothing.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The secret of an endpoint in one of its versions, as Standard Webhooks writes secrets.
    #[must_use]
    pub fn secret(&self, endpoint: WebhookId, version: i64) -> SecretString {
        let key = hex::decode(self.digits.expose_secret()).expect("it was read before");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of HMAC has any length");
        mac.update(b"taabia/webhook-secret/1");
        mac.update(endpoint.uuid().as_bytes());
        mac.update(&version.to_be_bytes());
        format!("whsec_{}", STANDARD.encode(mac.finalize().into_bytes())).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_endpoint_and_version_has_a_secret_of_its_own() {
        let key = WebhookKey::parse(&"11".repeat(32).into()).unwrap();
        let other = WebhookKey::parse(&format!("{}\n", "22".repeat(32)).into()).unwrap();
        let [one, two] = [1, 2].map(|id| WebhookId::from_uuid(uuid::Uuid::from_u128(id)));
        let secrets = [key.secret(one, 1), key.secret(one, 2), key.secret(two, 1), other.secret(one, 1)];
        let mut texts: Vec<_> = secrets.iter().map(|secret| secret.expose_secret().to_owned()).collect();
        assert!(texts.iter().all(|text| text.starts_with("whsec_") && text.len() == 50), "{texts:?}");
        assert_eq!(key.secret(one, 1).expose_secret(), texts[0]);
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), 4);
        assert_ne!(key.fingerprint(), other.fingerprint());
        for bad in ["", "11", "zz", &"11".repeat(33)] {
            assert!(WebhookKey::parse(&bad.to_owned().into()).is_err(), "{bad}");
        }
    }
}
