//! Peers that are down, slow, or answer nonsense: whatever may have been sent is unknown, and what provably was not is
//! "not sent". Every adapter is held against the same peers.

use std::sync::Arc;
use std::time::Duration;

use taabia::ports::Acquirer;
use taabia::ports::acquirer::{CaptureMode, Lookup, NotSent, Outcome, PaymentMethod};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::{mad, payment, payment_order, refund_order, submit_by};

/// What an authorisation is at a peer that took the request and did not answer it well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubted {
    Unknown,
    /// Its first request moves no money, so that its failure is no doubt.
    NotSent,
    /// It asks nobody: the customer's browser does.
    Never,
}

/// An adapter of a kind, for any address, with a time-out of at most half a second.
pub struct Kind<'a> {
    pub make: &'a (dyn Fn(&str) -> Arc<dyn Acquirer> + Sync),
    pub method: PaymentMethod,
    pub authorise: Doubted,
    /// The acquirer's id of a payment, where steps need it.
    pub reference: Option<&'static str>,
    /// A well-formed success of its protocol, to be cut in the middle.
    pub success: &'static str,
}

pub async fn check(kind: &Kind<'_>) {
    let began = Instant::now();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    nothing_was_sent(kind, &closed).await;

    let with_status = |status: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    };
    let half = &kind.success[..kind.success.len() / 2];
    for (name, answer) in [
        ("HTML", with_status("200 OK", "<html><body>Bienvenue</body></html>")),
        ("nothing", with_status("200 OK", "")),
        ("JSON of another kind", with_status("200 OK", "{\"hello\":[1]}")),
        ("server error", with_status("500 Internal Server Error", kind.success)),
        ("gateway page", with_status("502 Bad Gateway", "<html>502</html>")),
        ("unavailable", with_status("503 Service Unavailable", "")),
        ("too many", with_status("429 Too Many Requests", "")),
        ("another protocol", "SSH-2.0-OpenSSH_9.2\r\n".to_owned()),
        ("closes", String::new()),
        ("cut in the middle", format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{half}", kind.success.len())),
        ("half, as if whole", with_status("200 OK", half)),
    ] {
        let peer = raw_peer(move |mut stream| {
            let answer = answer.clone();
            async move {
                let _gone = stream.write_all(answer.as_bytes()).await;
                let _gone = stream.shutdown().await;
            }
        });
        all_is_unknown(kind, name, &peer.await).await;
    }
    let slow = raw_peer(|stream| async move {
        tokio::time::sleep(Duration::from_secs(30)).await;
        drop(stream);
    });
    all_is_unknown(kind, "slow", &slow.await).await;
    assert!(began.elapsed() < Duration::from_secs(30), "every exchange ends at its timeout");
}

async fn nothing_was_sent(kind: &Kind<'_>, url: &str) {
    let acquirer = (kind.make)(url);
    let mut paid = payment("fault-1");
    paid.reference = kind.reference.map(|reference| reference.parse().unwrap());
    let unreachable = |name: &str, not_sent: Option<&NotSent>| {
        assert!(matches!(not_sent, Some(NotSent::Unreachable(_))), "{name} at a closed port: {not_sent:?}");
    };
    if kind.authorise != Doubted::Never {
        let order = payment_order("fault-1", kind.method.clone(), CaptureMode::Manual);
        unreachable("authorise", not_sent(&acquirer.authorise(&order).await));
    }
    unreachable("capture", not_sent(&acquirer.capture(&paid, mad(106_050), submit_by()).await));
    unreachable("void", not_sent(&acquirer.void(&paid, submit_by()).await));
    unreachable("refund", not_sent(&acquirer.refund(&refund_order(&paid, "fault-r", 5)).await));
    assert!(matches!(acquirer.lookup(&paid).await, Lookup::Unknown(_)));
}

fn not_sent<T>(outcome: &Outcome<T>) -> Option<&NotSent> {
    match outcome {
        Outcome::NotSent(why) => Some(why),
        _ => None,
    }
}

async fn all_is_unknown(kind: &Kind<'_>, name: &str, url: &str) {
    let acquirer = (kind.make)(url);
    let mut paid = payment("fault-1");
    paid.reference = kind.reference.map(|reference| reference.parse().unwrap());
    if kind.authorise != Doubted::Never {
        let order = payment_order("fault-1", kind.method.clone(), CaptureMode::Manual);
        let authorised = acquirer.authorise(&order).await;
        match kind.authorise {
            Doubted::NotSent => assert!(not_sent(&authorised).is_some(), "{name}: {authorised:?}"),
            _ => assert!(matches!(authorised, Outcome::Unknown { .. }), "{name}: {authorised:?}"),
        }
    }
    let captured = acquirer.capture(&paid, mad(106_050), submit_by()).await;
    assert!(matches!(captured, Outcome::Unknown { .. }), "capture, {name}: {captured:?}");
    let voided = acquirer.void(&paid, submit_by()).await;
    assert!(matches!(voided, Outcome::Unknown { .. }), "void, {name}: {voided:?}");
    let refunded = acquirer.refund(&refund_order(&paid, "fault-r", 5)).await;
    assert!(matches!(refunded, Outcome::Unknown { .. }), "refund, {name}: {refunded:?}");
    let found = acquirer.lookup(&paid).await;
    assert!(matches!(found, Lookup::Unknown(_)), "lookup, {name}: {found:?}");
}

/// A peer that reads the request and then does as `answer` says.
pub async fn raw_peer<F>(answer: impl Fn(TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 8_192];
            let _read = stream.read(&mut request).await;
            tokio::spawn(answer(stream));
        }
    });
    url
}
