//! What every adapter must make of every ending, whatever its wire looks like. A later adapter brings a peer
//! whose faults follow the last two digits of the number, says what it offers, and calls [`check`].

use std::sync::Arc;

use taabia::domain::{Currency, Decline, Money};
use taabia::ports::{
    BalanceOutcome, Charging, ChargingOutcome, LookupOutcome, ReversalOutcome, ReversalRefusal, ReversalRequest,
};

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

/// What an adapter offers beside refills.
#[derive(Clone, Copy)]
pub struct Offers {
    pub lookup: bool,
    pub takes_back: TakesBack,
}

/// Whether an adapter takes credit back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TakesBack {
    /// Whatever it is asked for; it keeps no lines.
    Blindly,
    /// What is on the line, and it tells that as well.
    WhatIsThere,
}

/// Every scenario, at once, then what holds for all peers. `clock` is the one the adapter was given.
pub async fn check(charging: &dyn Charging, clock: &Arc<ManualClock>, scenarios: &[Scenario], offers: Offers) {
    let found = |outcome: LookupOutcome| if offers.lookup { outcome } else { LookupOutcome::NotOffered };
    let all = scenarios.iter().map(|scenario| async move {
        let reference = 9_000_000_000_000_000_000 + i64::try_from(scenario.ending).unwrap();
        let name = format!("{}, number ending {:02}", charging.name(), scenario.ending);
        let outcome = charging.refill(&refill(reference, scenario.ending)).await;
        assert_eq!(Refilled::from(outcome.clone()), scenario.refill, "{name}: {outcome:?}");
        assert_eq!(charging.lookup(reference).await, found(scenario.lookup.clone()), "{name}");
    });
    futures::future::join_all(all).await;

    let name = charging.name();
    assert_eq!(charging.lookup(424_242).await, found(LookupOutcome::NotKnown), "{name}: never sent");
    check_reversals(charging, offers).await;
    clock.advance_ms(60_001);
    let late = charging.refill(&refill(434_343, 99)).await;
    assert_eq!(late, ChargingOutcome::NotSent, "{name}: after submit_by");
    assert_eq!(charging.lookup(434_343).await, found(LookupOutcome::NotKnown), "{name}: after submit_by");
    assert_eq!(charging.reverse(&reversal(60, 50, 1)).await, ReversalOutcome::NotSent, "{name}: after submit_by");
    assert_eq!(charging.lookup_reversal(60).await, found(LookupOutcome::NotKnown), "{name}: after submit_by");
}

fn reversal(reference: i64, ending: u64, minor: i64) -> ReversalRequest {
    let refill = refill(reference, ending);
    let amount = Money::from_minor(minor, Currency::MAD);
    ReversalRequest { reference, of: 50, msisdn: refill.msisdn, amount, submit_by: refill.submit_by }
}

async fn check_reversals(charging: &dyn Charging, offers: Offers) {
    let line = refill(50, 50).msisdn;
    let found = async |reference, outcome: LookupOutcome| {
        let expected = if offers.lookup { outcome } else { LookupOutcome::NotOffered };
        assert_eq!(charging.lookup_reversal(reference).await, expected, "{}: {reference}", charging.name());
    };
    found(51, LookupOutcome::NotKnown).await;
    if offers.takes_back == TakesBack::Blindly {
        assert_eq!(charging.reverse(&reversal(51, 50, 500)).await, ReversalOutcome::Reversed);
        found(51, LookupOutcome::Applied).await;
        assert_eq!(charging.balance(line).await, BalanceOutcome::NotOffered);
        return;
    }
    let has = async |minor| {
        assert_eq!(charging.balance(line).await, BalanceOutcome::Known(Money::from_minor(minor, Currency::MAD)));
    };
    has(0).await;
    assert_eq!(charging.refill(&refill(50, 50)).await, ChargingOutcome::Approved);
    has(2_000).await;
    assert_eq!(charging.reverse(&reversal(51, 50, 500)).await, ReversalOutcome::Reversed);
    has(1_500).await;
    let spent = charging.reverse(&reversal(52, 50, 1_501)).await;
    assert_eq!(spent, ReversalOutcome::Refused(ReversalRefusal::CreditSpent));
    has(1_500).await;
    let nobody = charging.reverse(&reversal(53, 2, 500)).await;
    assert_eq!(nobody, ReversalOutcome::Refused(ReversalRefusal::SubscriberUnknown));
    for ending in [1, 5, 7] {
        let reference = 54 + i64::try_from(ending).unwrap();
        let outcome = charging.reverse(&reversal(reference, ending, 500)).await;
        assert!(matches!(outcome, ReversalOutcome::Unknown(_)), "{ending}: {outcome:?}");
    }
    for (reference, outcome) in [
        (51, LookupOutcome::Applied),
        (52, LookupOutcome::NotApplied(Decline::CreditSpent)),
        (53, LookupOutcome::NotApplied(Decline::SubscriberUnknown)),
        // Lost on its way, applied before its answer failed, refused for no listed reason.
        (55, LookupOutcome::NotKnown),
        (59, LookupOutcome::Applied),
    ] {
        found(reference, outcome).await;
    }
    assert_eq!(charging.balance(refill(1, 2).msisdn).await, BalanceOutcome::SubscriberUnknown);
    assert_eq!(charging.reverse(&reversal(70, 50, 1_500)).await, ReversalOutcome::Reversed);
    has(0).await;
}
