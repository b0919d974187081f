//! Time and randomness. The real ones are chosen in `cli/`; tests and the simulation bring their own.

use crate::domain::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;
}

/// Draws random bytes fit for secrets.
pub trait Randomness: Send + Sync + 'static {
    fn fill(&self, bytes: &mut [u8]);
}
