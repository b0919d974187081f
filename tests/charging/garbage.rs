//! Peers that answer nonsense, too much, too slowly or not at all: every one leaves the outcome unknown.

use std::time::Duration;

use taabia::ports::{Charging, ChargingOutcome, LookupOutcome};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use wiremock::matchers::{any, body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{ManualClock, Wire, adapter, refill};

const APPROVED: &str = r#"{"reference":"7","result":"approved","code":"approved","applied":1}"#;

async fn peer_that_answers(response: ResponseTemplate) -> MockServer {
    let peer = MockServer::start().await;
    Mock::given(any()).respond_with(response).mount(&peer).await;
    peer
}

async fn assert_unknown(wire: Wire, name: &str, url: &str) {
    let charging = wire.adapter_with(url, 400, 8, ManualClock::new());
    let refilled = charging.refill(&refill(7, 10)).await;
    assert!(matches!(refilled, ChargingOutcome::Unknown(_)), "{wire:?}, {name}: {refilled:?}");
    let found = charging.lookup(7).await;
    let unknown =
        if wire.has_lookup() { matches!(found, LookupOutcome::Unknown(_)) } else { found == LookupOutcome::NotOffered };
    assert!(unknown, "{wire:?}, {name}: {found:?}");
}

#[tokio::test]
async fn the_request_is_the_one_of_the_contract() {
    let peer = MockServer::start().await;
    let body = serde_json::json!({
        "reference": "7", "msisdn": "+212612345610", "amount_minor": 2_000, "currency": "MAD", "product": "airtime"
    });
    Mock::given(method("POST"))
        .and(path("/base/refills"))
        .and(header("content-type", "application/json"))
        .and(body_json(body))
        .respond_with(ResponseTemplate::new(200).set_body_string(APPROVED))
        .mount(&peer)
        .await;
    Mock::given(method("GET"))
        .and(path("/base/refills/7"))
        .respond_with(ResponseTemplate::new(200).set_body_string(APPROVED))
        .mount(&peer)
        .await;
    let charging = adapter(&format!("{}/base", peer.uri()));
    assert_eq!(charging.refill(&refill(7, 10)).await, ChargingOutcome::Approved);
    assert_eq!(charging.lookup(7).await, LookupOutcome::Applied);
}

#[tokio::test]
async fn nonsense_is_unknown() {
    for wire in Wire::ALL {
        let (approved, done) = (wire.approval("7"), wire.success());
        for (name, response) in [
            ("HTML", ResponseTemplate::new(200).set_body_string("<html>approved</html>")),
            ("nothing", ResponseTemplate::new(done)),
            ("another reference", ResponseTemplate::new(done).set_body_string(wire.approval("8"))),
            ("cut off", ResponseTemplate::new(done).set_body_string(&approved[..approved.len() - 9])),
            ("twice", ResponseTemplate::new(done).set_body_string(approved.repeat(2))),
            ("accepted", ResponseTemplate::new(202).set_body_string(approved.clone())),
            ("bad request", ResponseTemplate::new(400).set_body_string(approved.clone())),
            ("server error", ResponseTemplate::new(500).set_body_string(approved.clone())),
            ("unavailable", ResponseTemplate::new(503).insert_header("retry-after", "0")),
            ("too large", ResponseTemplate::new(done).set_body_string(approved.clone() + &" ".repeat(100_000))),
            ("late headers", ResponseTemplate::new(done).set_body_string(approved).set_delay(Duration::from_secs(30))),
        ] {
            assert_unknown(wire, name, &peer_that_answers(response).await.uri()).await;
        }
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    for wire in Wire::ALL {
        let elsewhere = peer_that_answers(ResponseTemplate::new(200).set_body_string(wire.approval("7"))).await;
        for status in [301, 302, 303, 307, 308] {
            let target = format!("{}/elsewhere", elsewhere.uri());
            let peer = peer_that_answers(ResponseTemplate::new(status).insert_header("location", target)).await;
            assert_unknown(wire, "redirect", &peer.uri()).await;
            let requests = 1 + usize::from(wire.has_lookup());
            assert_eq!(peer.received_requests().await.unwrap().len(), requests, "a refill and an inquiry, each once");
        }
        assert!(elsewhere.received_requests().await.unwrap().is_empty());
    }
}

/// A peer that reads the request and then does as `answer` says.
async fn raw_peer<F>(answer: impl Fn(TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4_096];
            let _read = stream.read(&mut request).await;
            tokio::spawn(answer(stream));
        }
    });
    url
}

#[tokio::test]
async fn broken_connections_and_endless_answers_are_unknown() {
    let began = Instant::now();
    let assert_unknown = async |name: &str, url: &str| {
        futures::future::join_all(Wire::ALL.map(|wire| assert_unknown(wire, name, url))).await;
    };
    let closes = raw_peer(|stream| async move { drop(stream) }).await;
    assert_unknown("closes", &closes).await;

    let babbles = raw_peer(|mut stream| async move {
        let _gone = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await;
    });
    assert_unknown("another protocol", &babbles.await).await;

    let breaks_off = raw_peer(|mut stream| async move {
        let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"result\":\"approved\"").await;
    });
    assert_unknown("breaks off", &breaks_off.await).await;

    let floods = raw_peer(|mut stream| async move {
        let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(&[b' '; 8_192]).await.is_ok() {}
    });
    assert_unknown("floods", &floods.await).await;

    let drips = raw_peer(|mut stream| async move {
        let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert_unknown("drips", &drips.await).await;

    let drips_headers = raw_peer(|mut stream| async move {
        let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(b"x: y\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert_unknown("drips headers", &drips_headers.await).await;
    assert!(began.elapsed() < Duration::from_secs(20), "every exchange ends at its timeout");
}
