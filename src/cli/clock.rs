//! The real clock and the real randomness.

use crate::domain::Timestamp;
use crate::ports::{Clock, Randomness};

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the real clock")]
        let now = jiff::Timestamp::now();
        Timestamp::from_unix_ms(now.as_millisecond())
    }
}

/// The operating system's source of randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        #[expect(clippy::disallowed_methods, reason = "this is the real source")]
        let filled = getrandom::fill(bytes);
        filled.expect("the operating system has a source of randomness");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_runs_and_the_bytes_differ() {
        assert!(SystemClock.now() > Timestamp::parse("2026-01-01T00:00:00Z").unwrap());
        let (mut a, mut b) = ([0; 16], [0; 16]);
        SystemRandomness.fill(&mut a);
        SystemRandomness.fill(&mut b);
        assert_ne!(a, b);
    }
}
