//! The sender against receivers as they are: slow, broken, huge, elsewhere; and its signatures, judged by the
//! `standardwebhooks` libraries of the Python Package Index and of npm.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use taabia::domain::{Timestamp, WebhookId};
use taabia::notify::{AllowedAddresses, HttpNotifier, NotifierSettings};
use taabia::ports::{Clock as _, Notice, Notifier as _, SendFailure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::support::RealClock;
use crate::support::webhooks::key;

fn sender(addresses: AllowedAddresses) -> HttpNotifier {
    HttpNotifier::new(NotifierSettings { answer_within_ms: 700, addresses }).unwrap()
}

fn secrets() -> Vec<SecretString> {
    let endpoint = WebhookId::from_uuid(uuid::Uuid::from_u128(7));
    vec![key().secret(endpoint, 2), key().secret(endpoint, 1)]
}

fn notice(url: String, sent_at: Timestamp) -> Notice {
    let body = json!({ "type": "recharge.completed", "data": { "note": "تعبئة" } }).to_string();
    Notice { url, id: "evt_01939f3e-7c00-7003-8000-00000000002a".into(), sent_at, secrets: secrets(), body }
}

/// A request as it came over the wire: its headers, and its body.
type Raw = (Value, String);

async fn read(stream: &mut TcpStream) -> Raw {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lines = head.lines().skip(1).filter_map(|line| line.split_once(": "));
            let headers: Value = lines.map(|(name, value)| (name.to_lowercase(), json!(value))).collect();
            let length: usize = headers["content-length"].as_str().unwrap().parse().unwrap();
            if body.len() >= length {
                return (headers, body.to_owned());
            }
        }
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await.unwrap();
        assert!(count > 0, "the request ends early: {text}");
        bytes.extend_from_slice(&part[..count]);
    }
}

/// A server that reads each request and then does this to the connection; what it read.
async fn server<F>(answer: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> (String, mpsc::UnboundedReceiver<Raw>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/events?tenant=7", listener.local_addr().unwrap());
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = tell.send(read(&mut stream).await);
            tokio::spawn(answer(stream));
        }
    });
    (url, told)
}

async fn says(mut stream: TcpStream, text: String) {
    let _ = stream.write_all(text.as_bytes()).await;
}

fn answer_of(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

async fn sent_to(url: String) -> taabia::ports::Sent {
    sender(AllowedAddresses::Any).send(&notice(url, RealClock.now())).await
}

#[tokio::test]
async fn whatever_a_receiver_does_is_an_outcome_in_time() {
    for status in ["204 No Content", "500 Oops", "410 Gone", "429 Too Many"] {
        let (url, _told) = server(move |stream| says(stream, answer_of(status))).await;
        assert_eq!(sent_to(url).await, Ok(status[..3].parse().unwrap()));
    }
    let (url, _told) = server(|stream| async move {
        tokio::time::sleep(std::time::Duration::from_mins(1)).await;
        drop(stream);
    })
    .await;
    assert_eq!(sent_to(url).await, Err(SendFailure::Timeout), "never answers");
    let (url, _told) = server(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(b"X-Slow: 1\r\n").await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await;
    assert!(matches!(sent_to(url).await, Err(SendFailure::Timeout | SendFailure::Connection)), "headers without end");
    let (url, _told) = server(|stream| async move { drop(stream) }).await;
    assert_eq!(sent_to(url).await, Err(SendFailure::Connection), "closes early");
    let (url, _told) = server(|stream| says(stream, "not HTTP at all\r\n\r\n".into())).await;
    assert_eq!(sent_to(url).await, Err(SendFailure::Connection), "garbage");
    let (url, _told) = server(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n").await;
        while stream.write_all(&[b'x'; 4_096]).await.is_ok() {}
    })
    .await;
    assert_eq!(sent_to(url).await, Ok(200), "a huge body is not read");
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(sent_to(format!("http://{nobody}/")).await, Err(SendFailure::Connection), "nobody listens");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_leads_nowhere() {
    let hits = Arc::new(AtomicUsize::new(0));
    let counted = hits.clone();
    let (inside, _told) = server(move |stream| {
        counted.fetch_add(1, Ordering::SeqCst);
        says(stream, answer_of("200 OK"))
    })
    .await;
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let text = format!("HTTP/1.1 {status}\r\nLocation: {inside}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let (url, _told) = server(move |stream| says(stream, text.clone())).await;
        assert_eq!(sent_to(url).await, Ok(status[..3].parse().unwrap()));
    }
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn names_and_addresses_inside_get_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let public = sender(AllowedAddresses::Public);
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433"] {
        for scheme in ["http", "https"] {
            let sent = public.send(&notice(format!("{scheme}://{host}:{port}/"), RealClock.now())).await;
            assert_eq!(sent, Err(SendFailure::RefusedAddress), "{scheme}://{host}");
        }
    }
    let unknown = public.send(&notice("https://nobody.invalid/".into(), RealClock.now())).await;
    assert_eq!(unknown, Err(SendFailure::Unresolved));
    let none = tokio::time::timeout(std::time::Duration::from_millis(100), listener.accept()).await;
    assert!(none.is_err(), "nobody came");
}

/// What a library says of these cases, one after the other.
fn judged(mut judge: Command, cases: &[Value]) -> Vec<String> {
    let mut judge = judge.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the judge runs");
    let mut input = judge.stdin.take().unwrap();
    for case in cases {
        writeln!(input, "{case}").unwrap();
    }
    drop(input);
    let output = judge.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[expect(clippy::disallowed_methods, reason = "scripts/test tells where it installed the libraries")]
fn judges() -> Vec<Command> {
    let installed = |name: &str| {
        std::env::var_os(name)
            .unwrap_or_else(|| panic!("{name} is not set: run scripts/test, which installs the library"))
    };
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/webhooks");
    let mut python = Command::new(installed("TAABIA_TEST_STANDARDWEBHOOKS"));
    python.arg(format!("{folder}/judge.py"));
    let mut node = Command::new("node");
    node.env("NODE_PATH", installed("TAABIA_TEST_STANDARDWEBHOOKS_NPM")).arg(format!("{folder}/judge.js"));
    vec![python, node]
}

#[tokio::test]
async fn public_libraries_accept_both_signatures_and_nothing_else() {
    let (url, mut told) = server(|stream| says(stream, answer_of("200 OK"))).await;
    let mut raw = Vec::new();
    for age_ms in [0, 6 * 60_000, -6 * 60_000] {
        let sent_at = RealClock.now().plus_ms(-age_ms);
        assert_eq!(sender(AllowedAddresses::Any).send(&notice(url.clone(), sent_at)).await, Ok(200));
        raw.push(told.recv().await.unwrap());
    }
    let (headers, body) = &raw[0];
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["webhook-signature"].as_str().unwrap().split(' ').count(), 2);
    let [new, old] = [0, 1].map(|index| secrets()[index].expose_secret().to_owned());
    let case =
        |secret: &str, headers: &Value, body: &str| json!({ "secret": secret, "headers": headers, "body": body });
    let mut other_id = headers.clone();
    other_id["webhook-id"] = json!("evt_other");
    let stranger = key().secret(WebhookId::from_uuid(uuid::Uuid::from_u128(8)), 1);
    let cases = [
        case(&new, headers, body),
        case(&old, headers, body),
        case(stranger.expose_secret(), headers, body),
        case(&new, headers, &body.replace("completed", "declined")),
        case(&new, &other_id, body),
        // Older, and newer, than the five minutes that the libraries permit.
        case(&new, &raw[1].0, &raw[1].1),
        case(&new, &raw[2].0, &raw[2].1),
    ];
    let expected = ["recharge.completed", "recharge.completed", "refused", "refused", "refused", "refused", "refused"];
    for judge in judges() {
        let name = format!("{judge:?}");
        assert_eq!(judged(judge, &cases), expected, "{name}");
    }
}
