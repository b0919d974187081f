//! Access: client credentials, signed tokens, and who a token speaks for.
//!
//! A client proves itself with a secret ([`Clients`] makes them, only Argon2id hashes are stored), gets a
//! short-lived token signed with Ed25519 ([`Tokens`], RFC 6749 §4.4 and RFC 9068), and every request is
//! answered for the [`Caller`](super::Caller) that [`Authenticator`] makes of its token. A token is checked
//! once and then remembered; the client behind it is re-read every few seconds, so that a revocation or a
//! narrowed scope takes effect within seconds whatever was remembered.

mod authenticator;
mod clients;
mod key_file;
mod keys;
mod known_clients;
mod secrets;
mod tokens;
mod verified;

pub use authenticator::{AuthenticationError, Authenticator, AuthenticatorSettings};
pub use clients::{ClientError, Clients, NewClient, NewSecret, logged};
pub use key_file::KeyFile;
pub use keys::{KeyError, KeyRing, KeySource};
pub use known_clients::ClientFreshness;
pub use secrets::{Admission, SecretHasher, SecretHashingError};
pub use tokens::{Grant, GrantError, TokenSettings, Tokens};
