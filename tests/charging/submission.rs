//! What may have been sent is in doubt; what provably was not is "not sent"; and nothing leaves after `submit_by`.

use std::sync::Arc;
use std::time::Duration;

use taabia::ports::{Charging, ChargingOutcome};
use tokio::net::TcpListener;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{ManualClock, Wire, adapter_with, refill};

/// A peer that takes every refill and answers none in time.
async fn silent_peer() -> MockServer {
    let peer = MockServer::start().await;
    let never = ResponseTemplate::new(200).set_delay(Duration::from_mins(1));
    Mock::given(any()).respond_with(never).mount(&peer).await;
    peer
}

async fn requests_at(peer: &MockServer) -> usize {
    peer.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn a_closed_port_was_not_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for wire in Wire::ALL {
        let charging = wire.adapter_with(&format!("http://{address}"), 1_000, 8, ManualClock::new());
        assert_eq!(charging.refill(&refill(1, 10)).await, ChargingOutcome::NotSent, "{wire:?}");
    }
}

#[tokio::test]
async fn after_submit_by_nothing_is_sent() {
    for wire in Wire::ALL {
        let peer = silent_peer().await;
        let clock = ManualClock::new();
        let charging = wire.adapter_with(&peer.uri(), 200, 8, clock.clone());
        clock.advance_ms(60_001);
        assert_eq!(charging.refill(&refill(1, 10)).await, ChargingOutcome::NotSent);
        assert_eq!(requests_at(&peer).await, 0, "{wire:?}");
    }
}

#[tokio::test]
async fn at_submit_by_it_is_still_sent() {
    let peer = silent_peer().await;
    let clock = ManualClock::new();
    let charging = adapter_with(&peer.uri(), 200, 8, clock.clone());
    clock.advance_ms(60_000);
    assert!(matches!(charging.refill(&refill(1, 10)).await, ChargingOutcome::Unknown(_)));
    assert_eq!(requests_at(&peer).await, 1);
}

#[tokio::test]
async fn a_refill_that_waited_too_long_for_its_turn_was_not_sent() {
    let peer = silent_peer().await;
    let charging = Arc::new(adapter_with(&peer.uri(), 300, 1, ManualClock::new()));
    let first = tokio::spawn({
        let charging = Arc::clone(&charging);
        async move { charging.refill(&refill(1, 10)).await }
    });
    while requests_at(&peer).await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // More than one permit can let through in 300 ms.
    let rest = (2..6).map(|reference| {
        let charging = Arc::clone(&charging);
        async move { charging.refill(&refill(reference, 10)).await }
    });
    let rest = futures::future::join_all(rest).await;
    assert!(matches!(first.await.unwrap(), ChargingOutcome::Unknown(_)));
    let unknown = rest.iter().filter(|outcome| matches!(outcome, ChargingOutcome::Unknown(_))).count();
    assert!(rest.contains(&ChargingOutcome::NotSent), "{rest:?}");
    assert!(requests_at(&peer).await <= 1 + unknown, "whatever arrived is in doubt: {rest:?}");
}

#[tokio::test]
async fn submit_by_is_checked_after_the_wait_for_a_turn() {
    let peer = silent_peer().await;
    let clock = ManualClock::new();
    let charging = Arc::new(adapter_with(&peer.uri(), 600, 1, clock.clone()));
    let first = tokio::spawn({
        let charging = Arc::clone(&charging);
        async move { charging.refill(&refill(1, 10)).await }
    });
    while requests_at(&peer).await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let second = tokio::spawn({
        let charging = Arc::clone(&charging);
        async move { charging.refill(&refill(2, 10)).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    clock.advance_ms(60_001);
    assert!(matches!(first.await.unwrap(), ChargingOutcome::Unknown(_)));
    assert_eq!(second.await.unwrap(), ChargingOutcome::NotSent);
    assert_eq!(requests_at(&peer).await, 1);
}
