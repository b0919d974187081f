//! What every adapter must make of every ending, whatever its wire looks like. A later adapter brings a peer
//! whose faults follow the last two digits of the number, and calls [`check`].

use std::sync::Arc;

use taabia::domain::Decline;
use taabia::ports::{Charging, ChargingOutcome, LookupOutcome};

use super::{ManualClock, refill};

/// An outcome without its free text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refilled {
    Approved,
    Declined(Decline),
    Unknown,
    NotSent,
}

impl From<ChargingOutcome> for Refilled {
    fn from(outcome: ChargingOutcome) -> Self {
        match outcome {
            ChargingOutcome::Approved => Self::Approved,
            ChargingOutcome::Declined(decline) => Self::Declined(decline),
            ChargingOutcome::Unknown(_) => Self::Unknown,
            ChargingOutcome::NotSent => Self::NotSent,
        }
    }
}

pub struct Scenario {
    pub ending: u64,
    pub refill: Refilled,
    pub lookup: LookupOutcome,
}

#[rustfmt::skip]
pub fn endings() -> Vec<Scenario> {
    use Decline::{ChargingDeclined, SubscriberBarred, SubscriberUnknown};
    use LookupOutcome::{Applied, NotApplied, NotKnown};
    use Refilled::{Approved, Declined, Unknown};
    let scenario = |ending, refill, lookup| Scenario { ending, refill, lookup };
    vec![
        scenario( 0, Unknown,                     Applied),
        scenario( 1, Unknown,                     NotKnown),
        scenario( 2, Declined(SubscriberUnknown), NotApplied(SubscriberUnknown)),
        scenario( 3, Declined(SubscriberBarred),  NotApplied(SubscriberBarred)),
        scenario( 4, Declined(ChargingDeclined),  NotApplied(ChargingDeclined)),
        scenario( 5, Unknown,                     Applied),
        scenario( 6, Approved,                    Applied),
        scenario( 7, Unknown,                     NotApplied(ChargingDeclined)),
        scenario( 8, Approved,                    Applied),
        scenario(99, Approved,                    Applied),
    ]
}

/// Every scenario, at once, then what holds for all peers. `clock` is the one the adapter was given.
pub async fn check(charging: &dyn Charging, clock: &Arc<ManualClock>, scenarios: &[Scenario]) {
    let all = scenarios.iter().map(|scenario| async move {
        let reference = 9_000_000_000_000_000_000 + i64::try_from(scenario.ending).unwrap();
        let name = format!("{}, number ending {:02}", charging.name(), scenario.ending);
        let outcome = charging.refill(&refill(reference, scenario.ending)).await;
        assert_eq!(Refilled::from(outcome.clone()), scenario.refill, "{name}: {outcome:?}");
        assert_eq!(charging.lookup(reference).await, scenario.lookup, "{name}");
    });
    futures::future::join_all(all).await;

    assert_eq!(charging.lookup(424_242).await, LookupOutcome::NotKnown, "{}: never sent", charging.name());
    clock.advance_ms(60_001);
    let late = charging.refill(&refill(434_343, 99)).await;
    assert_eq!(late, ChargingOutcome::NotSent, "{}: after submit_by", charging.name());
    assert_eq!(charging.lookup(434_343).await, LookupOutcome::NotKnown, "{}: after submit_by", charging.name());
}
