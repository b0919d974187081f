//! A circuit breaker as a pure state machine: times come in, states come out. [`Gate`] is one in use.
//!
//! Closed, it counts failures in a row. At the bound it opens: nothing is tried until its time is over. Then one
//! attempt at a time is let through to probe; a success closes it, a failure opens it for twice as long.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Now;
use crate::domain::Timestamp;

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerConfig {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long it stays open the first time.
    pub open_ms: i64,
    /// How long at most, after doubling.
    pub max_open_ms: i64,
    /// A probe that has not ended by then is given up, and another let through.
    pub probe_ms: i64,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self { failures: 5, open_ms: 10_000, max_open_ms: 300_000, probe_ms: 30_000 }
    }
}

/// What is shown of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    Closed,
    HalfOpen,
    Open,
}

impl BreakerState {
    /// Value in metrics.
    #[must_use]
    pub fn gauge(self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::HalfOpen => 1,
            Self::Open => 2,
        }
    }
}

/// What an attempt says about the peer's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Well,
    Ill,
    /// It says nothing: our own time was over, or the step is not offered.
    Unsaid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Timestamp, for_ms: i64 },
    HalfOpen { probe_until: Option<Timestamp>, for_ms: i64 },
}

#[derive(Clone, Debug)]
pub struct Breaker {
    config: BreakerConfig,
    state: State,
}

impl Breaker {
    #[must_use]
    pub fn new(config: BreakerConfig) -> Self {
        Self { config, state: State::Closed { failures: 0 } }
    }

    /// As it is at `now`: one whose time is over counts as half open.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> BreakerState {
        match self.state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { until, .. } if now < until => BreakerState::Open,
            State::Open { .. } | State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// Whether [`Self::admit`] would let an attempt through.
    #[must_use]
    pub fn would_admit(&self, now: Timestamp) -> bool {
        match self.state {
            State::Closed { .. } => true,
            State::Open { until, .. } => now >= until,
            State::HalfOpen { probe_until, .. } => probe_until.is_none_or(|until| now >= until),
        }
    }

    /// Lets an attempt through, or not. What was let through is told to [`Self::record`].
    pub fn admit(&mut self, now: Timestamp) -> bool {
        if !self.would_admit(now) {
            return false;
        }
        if let State::Open { for_ms, .. } | State::HalfOpen { for_ms, .. } = self.state {
            self.state = State::HalfOpen { probe_until: Some(now.plus_ms(self.config.probe_ms)), for_ms };
        }
        true
    }

    /// An attempt ended.
    pub fn record(&mut self, health: Health, now: Timestamp) {
        self.state = match (self.state, health) {
            // Attempts that began before it opened end while it is open: they say nothing new.
            (State::Open { .. }, _) | (State::Closed { .. }, Health::Unsaid) => return,
            (State::HalfOpen { for_ms, .. }, Health::Unsaid) => State::HalfOpen { probe_until: None, for_ms },
            (_, Health::Well) => State::Closed { failures: 0 },
            (State::Closed { failures }, Health::Ill) if failures + 1 < self.config.failures => {
                State::Closed { failures: failures + 1 }
            }
            (State::Closed { .. }, Health::Ill) => self.open(self.config.open_ms, now),
            (State::HalfOpen { for_ms, .. }, Health::Ill) => {
                self.open(for_ms.saturating_mul(2).min(self.config.max_open_ms), now)
            }
        };
    }

    fn open(&self, for_ms: i64, now: Timestamp) -> State {
        State::Open { until: now.plus_ms(for_ms), for_ms: for_ms.max(self.config.open_ms) }
    }
}

/// A breaker that is shared by all who call one peer, and shown where figures are looked at.
pub struct Gate {
    name: Box<str>,
    breaker: Mutex<Breaker>,
    now: Now,
    show: fn(&str, BreakerState),
}

impl Gate {
    #[must_use]
    pub fn new(name: &str, config: BreakerConfig, now: Now, show: fn(&str, BreakerState)) -> Self {
        show(name, BreakerState::Closed);
        Self { name: name.into(), breaker: Mutex::new(Breaker::new(config)), now, show }
    }

    /// Whether an attempt would be let through.
    #[must_use]
    pub fn would_admit(&self) -> bool {
        self.breaker().would_admit((self.now)())
    }

    #[must_use]
    pub fn state(&self) -> BreakerState {
        let state = self.breaker().state((self.now)());
        (self.show)(&self.name, state);
        state
    }

    /// Lets an attempt through; `None` when it must not be made.
    #[must_use]
    pub fn attempt(&self) -> Option<Attempt<'_>> {
        let now = (self.now)();
        let (admitted, state) = {
            let mut breaker = self.breaker();
            (breaker.admit(now), breaker.state(now))
        };
        (self.show)(&self.name, state);
        admitted.then_some(Attempt { gate: self, health: Health::Unsaid })
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        // Nothing in here panics halfway through a change.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, health: Health) {
        let now = (self.now)();
        let (before, after) = {
            let mut breaker = self.breaker();
            let before = breaker.state(now);
            breaker.record(health, now);
            (before, breaker.state(now))
        };
        (self.show)(&self.name, after);
        if before != after {
            match after {
                BreakerState::Open => tracing::warn!(peer = &*self.name, "the circuit breaker opened"),
                _ => tracing::info!(peer = &*self.name, state = ?after, "the circuit breaker changed"),
            }
        }
    }
}

/// An attempt that the breaker let through; one that is dropped before its end says nothing.
pub struct Attempt<'a> {
    gate: &'a Gate,
    pub health: Health,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.gate.record(self.health);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: BreakerConfig = BreakerConfig { failures: 3, open_ms: 100, max_open_ms: 350, probe_ms: 50 };

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_000_000 + ms)
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::new(CONFIG);
        for _ in 0..3 {
            assert!(breaker.admit(at(0)));
            breaker.record(Health::Ill, at(0));
        }
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_only() {
        let mut breaker = Breaker::new(CONFIG);
        for health in [Health::Ill, Health::Ill, Health::Unsaid, Health::Well, Health::Ill, Health::Ill] {
            assert!(breaker.admit(at(0)));
            breaker.record(health, at(0));
            assert_eq!(breaker.state(at(0)), BreakerState::Closed, "{health:?}");
        }
        breaker.record(Health::Ill, at(0));
        assert_eq!(breaker.state(at(99)), BreakerState::Open);
        assert!(!breaker.admit(at(99)));
    }

    #[test]
    fn one_probe_at_a_time_decides() {
        let mut breaker = opened();
        assert_eq!(breaker.state(at(100)), BreakerState::HalfOpen);
        assert!(breaker.admit(at(100)));
        assert!(!breaker.admit(at(149)), "one probe at a time");
        assert!(breaker.admit(at(150)), "a probe that never ended is given up");
        breaker.record(Health::Well, at(160));
        assert_eq!(breaker.state(at(160)), BreakerState::Closed);
        assert!(breaker.admit(at(160)) && breaker.admit(at(160)));
    }

    #[test]
    fn a_failed_probe_opens_it_for_longer_up_to_a_bound() {
        let mut breaker = opened();
        let mut now = 100;
        for open_for in [200, 350, 350] {
            assert!(breaker.admit(at(now)));
            breaker.record(Health::Ill, at(now));
            assert!(!breaker.admit(at(now + open_for - 1)), "{open_for}");
            now += open_for;
        }
        assert!(breaker.admit(at(now)));
        breaker.record(Health::Well, at(now));
        for _ in 0..3 {
            breaker.record(Health::Ill, at(now));
        }
        assert!(breaker.admit(at(now + 100)), "after a success it begins with the first time again");
    }

    #[test]
    fn a_probe_that_says_nothing_lets_the_next_one_through() {
        let mut breaker = opened();
        assert!(breaker.admit(at(100)));
        breaker.record(Health::Unsaid, at(101));
        assert_eq!(breaker.state(at(101)), BreakerState::HalfOpen);
        assert!(breaker.admit(at(101)));
    }

    #[test]
    fn late_ends_do_not_prolong_it() {
        let mut breaker = opened();
        breaker.record(Health::Ill, at(90));
        breaker.record(Health::Well, at(90));
        assert_eq!(breaker.state(at(99)), BreakerState::Open);
        assert!(breaker.admit(at(100)));
    }
}
