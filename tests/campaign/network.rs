//! A charging system with every fault that one can have, drawn from a seed, and a record of what it applied.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use taabia::domain::Decline;
use taabia::ports::{Charging, ChargingOutcome, LookupOutcome, RefillRequest};
use tokio::time::sleep;

use crate::support::SeededRandomness;

/// What became of a reference there.
#[derive(Clone, Copy)]
enum Entry {
    Applied { amount_minor: i64, times: u32 },
    Refused(Decline),
}

pub struct Network {
    random: SeededRandomness,
    entries: Mutex<HashMap<i64, Entry>>,
}

/// How a refill goes.
enum Fate {
    /// Applied after so long, and answered.
    Well(u64),
    /// Applied after so long, and never answered.
    Silent(u64),
    /// Applied, and answered with what says nothing.
    AppliedGarbage,
    /// Lost on the way.
    Lost,
    /// Answered with what says nothing; not applied.
    Garbage,
    Refused(Decline),
}

impl Network {
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self { random: SeededRandomness::new(seed ^ 0xc4a6), entries: Mutex::default() })
    }

    /// Amount and number of times by reference.
    pub fn applied(&self) -> HashMap<i64, (i64, u32)> {
        let applied = |(reference, entry): (&i64, &Entry)| match *entry {
            Entry::Applied { amount_minor, times } => Some((*reference, (amount_minor, times))),
            Entry::Refused(_) => None,
        };
        self.entries.lock().unwrap().iter().filter_map(applied).collect()
    }

    pub fn total_minor(&self) -> i64 {
        self.applied().values().map(|(amount_minor, times)| amount_minor * i64::from(*times)).sum()
    }

    fn apply(&self, request: &RefillRequest) {
        let amount_minor = request.amount.minor();
        let mut entries = self.entries.lock().unwrap();
        let entry = entries.entry(request.reference).or_insert(Entry::Applied { amount_minor, times: 0 });
        if let Entry::Applied { times, .. } = entry {
            *times += 1;
        }
    }

    fn fate(&self) -> Fate {
        let (fate, time) = (self.random.next() % 1_000, self.random.next());
        match fate {
            0..12 => Fate::Silent(time % 3_000),
            // It takes effect when we have long stopped waiting, and before the horizon.
            12..20 => Fate::Silent(4_000 + time % 5_900),
            // The answer comes while we still wait, or too late.
            20..30 => Fate::Well(1_000 + time % 8_000),
            30..42 => Fate::Lost,
            42..50 => Fate::AppliedGarbage,
            50..56 => Fate::Garbage,
            56..66 => Fate::Refused(Decline::SubscriberUnknown),
            66..72 => Fate::Refused(Decline::SubscriberBarred),
            _ => Fate::Well(5 + time % 200),
        }
    }
}

/// The way there: what is on it takes effect even when nobody waits for the answer.
pub struct Line(pub Arc<Network>);

#[async_trait]
impl Charging for Line {
    fn name(&self) -> &'static str {
        "campaign"
    }

    async fn refill(&self, request: &RefillRequest) -> ChargingOutcome {
        let (network, request) = (self.0.clone(), request.clone());
        let under_way = tokio::spawn(async move {
            match network.fate() {
                Fate::Well(after_ms) => {
                    sleep(Duration::from_millis(after_ms)).await;
                    network.apply(&request);
                    Some(ChargingOutcome::Approved)
                }
                Fate::Silent(after_ms) => {
                    sleep(Duration::from_millis(after_ms)).await;
                    network.apply(&request);
                    None
                }
                Fate::AppliedGarbage => {
                    network.apply(&request);
                    Some(ChargingOutcome::Unknown("500".into()))
                }
                Fate::Lost => None,
                Fate::Garbage => Some(ChargingOutcome::Unknown("<html>".into())),
                Fate::Refused(decline) => {
                    network.entries.lock().unwrap().insert(request.reference, Entry::Refused(decline));
                    Some(ChargingOutcome::Declined(decline))
                }
            }
        });
        match under_way.await.expect("the charging system does not panic") {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    async fn lookup(&self, reference: i64) -> LookupOutcome {
        match self.0.random.next() % 1_000 {
            0..40 => return LookupOutcome::Unknown("503".into()),
            40..60 => sleep(Duration::from_mins(1)).await,
            _ => sleep(Duration::from_millis(20)).await,
        }
        match self.0.entries.lock().unwrap().get(&reference) {
            Some(Entry::Applied { .. }) => LookupOutcome::Applied,
            Some(Entry::Refused(decline)) => LookupOutcome::NotApplied(*decline),
            None => LookupOutcome::NotKnown,
        }
    }
}
