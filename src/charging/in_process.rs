//! Approves every refill at once, inside the process: for load tests, where no line is credited.
//!
//! It is a charging system whose books are lost with the process. Of what it approved it remembers the latest
//! references in generations, each dropped whole when there are too many: memory is bounded (about 40 MB at the
//! default), no growing table stalls the callers. After something was forgotten, a reference it does not find
//! is `Unknown`, not `NotKnown`: it cannot tell whether it had approved it.

use std::collections::{HashSet, VecDeque};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::Dependencies;
use crate::ports::{Charging, ChargingOutcome, Clock, LookupOutcome, RefillRequest, ReversalOutcome, ReversalRequest};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// At least this many of the latest approvals are remembered.
    pub remembered_approvals: NonZeroUsize,
}

impl Default for Config {
    fn default() -> Self {
        Self { remembered_approvals: NonZeroUsize::new(3_500_000).expect("it is not zero") }
    }
}

/// What was approved since the process began, less what was taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub count: u64,
    pub total_minor: i128,
}

/// The adapter.
pub struct InProcess {
    clock: Arc<dyn Clock>,
    books: Mutex<Books>,
}

impl InProcess {
    #[must_use]
    pub fn new(config: &Config, dependencies: Dependencies) -> Self {
        let books = Books::new(config.remembered_approvals.get(), GENERATION);
        Self { clock: dependencies.clock, books: Mutex::new(books) }
    }

    #[must_use]
    pub fn tally(&self) -> Tally {
        self.books().tally
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // Nothing in here panics halfway through a change.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Charging for InProcess {
    fn name(&self) -> &'static str {
        "in_process"
    }

    async fn refill(&self, request: &RefillRequest) -> ChargingOutcome {
        if self.clock.now() > request.submit_by {
            return ChargingOutcome::NotSent;
        }
        self.books().approve(request.reference, request.amount.minor());
        ChargingOutcome::Approved
    }

    async fn lookup(&self, reference: i64) -> LookupOutcome {
        self.books().find(reference)
    }

    async fn reverse(&self, request: &ReversalRequest) -> ReversalOutcome {
        if self.clock.now() > request.submit_by {
            return ReversalOutcome::NotSent;
        }
        self.books().take_back(request.reference, request.amount.minor());
        ReversalOutcome::Reversed
    }

    async fn lookup_reversal(&self, reference: i64) -> LookupOutcome {
        self.books().find(reference)
    }
}

/// References per generation: 7/8 of 65,536, what a hash set of that size holds without growing.
const GENERATION: usize = 57_344;

struct Books {
    tally: Tally,
    generation: usize,
    max_generations: usize,
    /// Oldest first.
    generations: VecDeque<HashSet<i64>>,
    forgot: bool,
}

impl Books {
    fn new(remembered: usize, generation: usize) -> Self {
        // One more than needed: the newest is still filling when the oldest goes.
        let max_generations = remembered.div_ceil(generation) + 1;
        Self { tally: Tally::default(), generation, max_generations, generations: VecDeque::new(), forgot: false }
    }

    fn approve(&mut self, reference: i64, amount_minor: i64) {
        self.tally.count += 1;
        self.tally.total_minor += i128::from(amount_minor);
        self.remember(reference);
    }

    /// Nobody spends anything in here.
    fn take_back(&mut self, reference: i64, amount_minor: i64) {
        self.tally.total_minor -= i128::from(amount_minor);
        self.remember(reference);
    }

    fn remember(&mut self, reference: i64) {
        if self.generations.back().is_none_or(|newest| newest.len() == self.generation) {
            if self.generations.len() == self.max_generations {
                self.generations.pop_front();
                self.forgot = true;
            }
            self.generations.push_back(HashSet::with_capacity(self.generation));
        }
        if let Some(newest) = self.generations.back_mut() {
            newest.insert(reference);
        }
    }

    fn find(&self, reference: i64) -> LookupOutcome {
        if self.generations.iter().any(|generation| generation.contains(&reference)) {
            LookupOutcome::Applied
        } else if self.forgot {
            LookupOutcome::Unknown("not among the remembered approvals".into())
        } else {
            LookupOutcome::NotKnown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_latest_and_admits_what_it_forgot() {
        let mut books = Books::new(6, 4);
        for reference in 1..=12 {
            books.approve(reference, 500);
            assert_eq!(books.find(reference), LookupOutcome::Applied);
        }
        assert_eq!(books.find(1), LookupOutcome::Applied);
        assert_eq!(books.find(13), LookupOutcome::NotKnown);
        books.approve(13, 500);
        assert_eq!(books.tally, Tally { count: 13, total_minor: 6_500 });
        for reference in 5..=13 {
            assert_eq!(books.find(reference), LookupOutcome::Applied);
        }
        for reference in [1, 4, 14] {
            assert!(matches!(books.find(reference), LookupOutcome::Unknown(_)), "{reference}");
        }
    }

    #[test]
    fn memory_is_bounded() {
        let mut books = Books::new(100, 10);
        for reference in 0..10_000 {
            books.approve(reference, 1);
        }
        assert_eq!(books.generations.len(), 11);
        assert!(books.generations.iter().all(|generation| generation.len() <= 10));
    }
}
