//! The way out to partners: signed notices over HTTPS, to addresses of the public Internet and no others.

mod address;
mod http;
mod signature;

pub use address::{AllowedAddresses, check_url};
pub use http::{HttpNotifier, NotifierSettings};
pub use signature::{sign, signatures};
