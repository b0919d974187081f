//! How often a job looks at one thing: soon at first, then at pauses that double up to the longest.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// The paces of all that a job looks at, by what names it.
pub(super) struct Paces<K> {
    first: Duration,
    longest: Duration,
    sweep: u64,
    of: HashMap<K, Pace>,
}

#[derive(Clone, Copy, Debug)]
struct Pace {
    next: Instant,
    pause: Duration,
    /// The last sweep that met it.
    sweep: u64,
}

impl<K: Eq + Hash> Paces<K> {
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, sweep: 0, of: HashMap::new() }
    }

    /// Whether it is time to look at it; if so, the next time is set.
    pub fn is_due(&mut self, key: K) -> bool {
        let now = Instant::now();
        let pace = self.of.entry(key).or_insert(Pace { next: now, pause: self.first, sweep: self.sweep });
        pace.sweep = self.sweep;
        let due = pace.next <= now;
        if due {
            pace.next = now + pace.pause;
            pace.pause = (pace.pause * 2).min(self.longest);
        }
        due
    }

    /// Ends a sweep: what it did not meet is forgotten.
    pub fn swept(&mut self) {
        let sweep = self.sweep;
        self.of.retain(|_, pace| pace.sweep == sweep);
        self.sweep += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_double_and_what_is_gone_begins_anew() {
        let second = Duration::from_secs(1);
        let mut paces = Paces::new(second, 2 * second);
        let mut seen = Vec::new();
        for _ in 0..8 {
            seen.push(paces.is_due("a"));
            paces.swept();
            tokio::time::advance(second).await;
        }
        assert_eq!(seen, [true, true, false, true, false, true, false, true]);
        assert!(!paces.is_due("a"));
        paces.swept();
        // Not met once.
        paces.swept();
        assert!(paces.is_due("a"));
    }
}
