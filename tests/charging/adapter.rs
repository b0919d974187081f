//! The adapters pass the conformance table, and their books are the charging system's books.

use taabia::domain::Decline;
use taabia::ports::{Charging, ChargingOutcome, LookupOutcome};

use super::conformance::{Offers, Refilled, Scenario, TakesBack, check, endings};
use super::{
    ManualClock, Wire, adapter, adapter_with, durable_simulator, hurried, in_process_charging, refill, simulator,
    summary, url,
};

#[tokio::test]
async fn every_ending_is_understood_over_every_protocol() {
    for wire in Wire::ALL {
        let server = simulator(hurried()).await;
        let clock = ManualClock::new();
        let charging = wire.adapter_with(&wire.url(&server), 800, 64, clock.clone());
        let offers = Offers { lookup: wire.has_lookup(), takes_back: TakesBack::WhatIsThere };
        check(&*charging, &clock, &endings(), offers).await;
        // Endings 00, 05, 06, 08 and 99; and one whose credit was taken back again. A reversal for the number that ends
        // in 05 took effect before its answer failed.
        assert_eq!(summary(&server).await, (6, 10_000 - 500), "{wire:?}");
        server.shutdown().await;
    }
}

#[tokio::test]
async fn in_process_every_refill_is_approved() {
    let clock = ManualClock::new();
    let approved = |mut scenario: Scenario| {
        scenario.refill = Refilled::Approved;
        scenario.lookup = LookupOutcome::Applied;
        scenario
    };
    let scenarios: Vec<_> = endings().into_iter().map(approved).collect();
    check(
        &*in_process_charging(clock.clone()),
        &clock,
        &scenarios,
        Offers { lookup: true, takes_back: TakesBack::Blindly },
    )
    .await;
}

#[tokio::test]
async fn the_charging_system_restarts_between_refill_and_inquiry() {
    let directory = tempfile::tempdir().unwrap();
    let server = durable_simulator(directory.path()).await;
    let before = adapter(&url(&server));
    assert_eq!(before.refill(&refill(1, 10)).await, ChargingOutcome::Approved);
    assert_eq!(before.refill(&refill(2, 3)).await, ChargingOutcome::Declined(Decline::SubscriberBarred));
    assert!(matches!(before.refill(&refill(3, 5)).await, ChargingOutcome::Unknown(_)));
    server.shutdown().await;
    assert_eq!(before.refill(&refill(4, 10)).await, ChargingOutcome::NotSent, "nobody listens");
    assert!(matches!(before.lookup(3).await, LookupOutcome::Unknown(_)), "nobody listens");

    let server = durable_simulator(directory.path()).await;
    let after = adapter(&url(&server));
    assert_eq!(after.lookup(1).await, LookupOutcome::Applied);
    assert_eq!(after.lookup(2).await, LookupOutcome::NotApplied(Decline::SubscriberBarred));
    assert_eq!(after.lookup(3).await, LookupOutcome::Applied);
    assert_eq!(after.lookup(4).await, LookupOutcome::NotKnown);
    assert_eq!(summary(&server).await, (2, 4_000));
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_at_once_are_all_in_the_record() {
    let directory = tempfile::tempdir().unwrap();
    let server = durable_simulator(directory.path()).await;
    let charging = adapter_with(&url(&server), 10_000, 256, ManualClock::new());
    let requests: Vec<_> = (0..200_u32).map(|n| refill(1_000 + i64::from(n), 10 + u64::from(n % 90))).collect();
    let outcomes = futures::future::join_all(requests.iter().map(|request| charging.refill(request))).await;
    assert!(outcomes.iter().all(|outcome| *outcome == ChargingOutcome::Approved), "{outcomes:?}");
    assert_eq!(summary(&server).await, (200, 400_000));
    server.shutdown().await;
    let server = durable_simulator(directory.path()).await;
    assert_eq!(summary(&server).await, (200, 400_000));
    server.shutdown().await;
}
