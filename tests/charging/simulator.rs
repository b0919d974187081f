//! The charging simulator over plain HTTP.

use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};
use taabia::simulator::charging::{Config, Server, StartError};
use tokio::net::TcpListener;

use super::{client, durable_simulator, get_json, hurried, simulator, summary, url};

fn order(reference: &str, ending: u32) -> Value {
    json!({
        "reference": reference, "msisdn": format!("+2126123456{ending:02}"), "amount_minor": 2_000,
        "currency": "MAD", "product": "airtime"
    })
}

async fn post(server: &Server, body: &Value) -> (u16, Value) {
    let response = client().post(format!("{}/refills", url(server))).json(body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn lookup(server: &Server, reference: &str) -> (u16, Value) {
    let response = client().get(format!("{}/refills/{reference}", url(server))).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn answers_have_the_shape_of_the_contract() {
    let server = simulator(hurried()).await;
    let approved = json!({
        "reference": "7", "msisdn": "+212612345610", "amount_minor": 2_000, "currency": "MAD",
        "result": "approved", "code": "approved", "applied": 1
    });
    assert_eq!(post(&server, &order("7", 10)).await, (200, approved.clone()));
    assert_eq!(lookup(&server, "7").await, (200, approved));
    let (status, unlisted) = post(&server, &order("8", 7)).await;
    assert_eq!((status, &unlisted["result"], &unlisted["applied"]), (200, &json!("declined"), &json!(0)));
    assert_eq!(lookup(&server, "8").await, (200, unlisted));
    assert_eq!(lookup(&server, "9").await.0, 404);
    assert_eq!(get_json(format!("{}/applied/summary", url(&server))).await, json!({"count": 1, "total_minor": 2_000}));
    let mut as_number = order("", 10);
    as_number["reference"] = json!(12);
    assert_eq!(post(&server, &as_number).await.1["reference"], "12");
    server.shutdown().await;
}

#[tokio::test]
async fn a_repeated_reference_is_applied_again_unless_deduplicated() {
    for (deduplicate, applied, failure) in [(false, 2, 500), (true, 1, 200)] {
        let server = simulator(Config { deduplicate, ..hurried() }).await;
        assert_eq!(post(&server, &order("1", 10)).await.1["applied"], 1);
        assert_eq!(post(&server, &order("1", 10)).await.1["applied"], applied);
        assert_eq!(post(&server, &order("2", 3)).await.1["applied"], 0);
        assert_eq!(post(&server, &order("2", 3)).await.1["code"], "subscriber_barred");
        assert_eq!(post(&server, &order("3", 5)).await.0, 500);
        assert_eq!(post(&server, &order("3", 5)).await.0, failure, "the first result, when deduplicated");
        assert_eq!(summary(&server).await, (2 * applied, 4_000 * i64::try_from(applied).unwrap()));
        assert_eq!(post(&server, &order("1", 11)).await.0, 409, "another number under the same reference");
        server.shutdown().await;
    }
}

#[tokio::test]
async fn a_torn_tail_costs_nothing_that_was_answered() {
    let directory = tempfile::tempdir().unwrap();
    let server = durable_simulator(directory.path()).await;
    for reference in ["1", "2", "3"] {
        assert_eq!(post(&server, &order(reference, 10)).await.0, 200);
    }
    server.shutdown().await;
    let path = directory.path().join("refills.jsonl");
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"reference\":\"4\",\"msis").unwrap();
    let server = durable_simulator(directory.path()).await;
    assert_eq!(summary(&server).await, (3, 6_000));
    assert_eq!(lookup(&server, "4").await.0, 404);
    assert_eq!(post(&server, &order("5", 10)).await.0, 200);
    server.shutdown().await;
    let server = durable_simulator(directory.path()).await;
    assert_eq!(summary(&server).await, (4, 8_000));
    server.shutdown().await;
}

#[tokio::test]
async fn one_record_has_one_simulator() {
    let directory = tempfile::tempdir().unwrap();
    let server = durable_simulator(directory.path()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = Config { data_dir: Some(directory.path().to_owned()), ..Config::default() };
    assert!(matches!(Server::start(config, listener).await, Err(StartError::Record { .. })));
    server.shutdown().await;
}

#[tokio::test]
async fn what_took_effect_is_listed_page_by_page() {
    let server = simulator(hurried()).await;
    for (reference, ending) in [("30", 10), ("10", 11), ("20", 2), ("40", 12)] {
        post(&server, &order(reference, ending)).await;
    }
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = get_json(format!("{}/applied?limit=2{after}", url(&server))).await;
        seen.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    let item =
        |reference, msisdn| json!({"reference": reference, "msisdn": msisdn, "amount_minor": 2_000, "applied": 1});
    assert_eq!(seen, [item("10", "+212612345611"), item("30", "+212612345610"), item("40", "+212612345612")]);
    for wrong in ["limit=0", "limit=x", "limit=10001", "after=a%20b", "before=1"] {
        let response = client().get(format!("{}/applied?{wrong}", url(&server))).send().await.unwrap();
        assert_eq!(response.status(), 400, "{wrong}");
    }
    server.shutdown().await;
}

#[tokio::test]
async fn a_day_is_told_as_csv() {
    let server = simulator(hurried()).await;
    // Of our references, which begin with a second of 2026-11-22, one of the day after, and one that is not ours.
    for (reference, ending) in
        [("1795305600000000001", 10), ("1795391999007000002", 3), ("1795392000007000003", 10), ("x", 10)]
    {
        assert_eq!(post(&server, &order(reference, ending)).await.0, 200);
    }
    post(&server, &order("1795305600000000001", 10)).await;
    let record = async |day: &str| client().get(format!("{}/records/{day}", url(&server))).send().await.unwrap();
    let text = record("2026-11-22.csv").await.text().await.unwrap();
    let applied = "1795305600000000001,+212612345610,20.00,2026-11-22T00:00:00Z,applied\n";
    let not = "1795391999007000002,+212612345603,20.00,2026-11-22T23:59:59Z,not_applied\n";
    assert_eq!(text, format!("reference,msisdn,amount,time,result\n{applied}{applied}{not}"));
    for wrong in ["2026-11-22", "2026-02-30.csv", "x.csv"] {
        assert_eq!(record(wrong).await.status(), 400, "{wrong}");
    }
    server.shutdown().await;
}

#[tokio::test]
async fn bad_input_is_refused_as_json_and_not_recorded() {
    let server = simulator(hurried()).await;
    let with = |field: &str, value: Value| {
        let mut body = order("1", 10);
        body[field] = value;
        body.to_string()
    };
    let without = |field: &str| {
        let mut body = order("1", 10);
        body.as_object_mut().unwrap().remove(field);
        body.to_string()
    };
    for (status, body) in [
        (400, String::new()),
        (400, "{".into()),
        (400, "[]".into()),
        (400, with("reference", json!(""))),
        (400, with("reference", json!("a/b"))),
        (400, with("reference", json!(-1))),
        (400, with("msisdn", json!("0612345678"))),
        (400, with("msisdn", json!(212_612_345_678_i64))),
        (400, with("amount_minor", json!(0))),
        (400, with("amount_minor", json!("20.00"))),
        (400, with("amount_minor", json!(1e30))),
        (400, with("currency", json!("DIRHAM"))),
        (400, without("reference")),
        (400, without("amount_minor")),
        (413, " ".repeat(20_000)),
    ] {
        let sent = client().post(format!("{}/refills", url(&server))).body(body.clone()).send().await.unwrap();
        assert_eq!(sent.status(), status, "{body:.200}");
        let problem: Value = sent.json().await.unwrap();
        assert_eq!(problem["error"], "bad_request", "{body:.200}");
    }
    let get = |path: &str| client().get(format!("{}{path}", url(&server))).send();
    assert_eq!(get("/nowhere").await.unwrap().json::<Value>().await.unwrap()["error"], "no_such_path");
    assert_eq!(get("/refills").await.unwrap().status(), 405);
    assert_eq!(summary(&server).await, (0, 0));
    server.shutdown().await;
}

#[tokio::test]
async fn silence_ends_when_the_caller_leaves_and_at_the_latest_after_its_time() {
    // Two connections in all: if silence kept them, the third request would find none.
    let server = simulator(Config { max_connections: 2, ..hurried() }).await;
    let impatient = reqwest::Client::builder().no_proxy().timeout(Duration::from_millis(100)).build().unwrap();
    for (reference, ending) in [("1", 0), ("2", 1), ("3", 0), ("4", 1), ("5", 0)] {
        let post = impatient.post(format!("{}/refills", url(&server))).json(&order(reference, ending));
        assert!(post.send().await.unwrap_err().is_timeout());
    }
    assert_eq!(summary(&server).await, (3, 6_000));
    server.shutdown().await;

    let server = simulator(Config { silence: Duration::from_millis(100), ..hurried() }).await;
    let post = client().post(format!("{}/refills", url(&server))).json(&order("1", 1));
    let error = tokio::time::timeout(Duration::from_secs(10), post.send()).await.unwrap().unwrap_err();
    assert!(error.is_request(), "closed without an answer: {error:?}");
    server.shutdown().await;
}

#[tokio::test]
async fn a_slow_refill_takes_effect_also_when_the_caller_has_gone() {
    let server = simulator(Config { slow: Duration::from_millis(300), ..Config::default() }).await;
    let impatient = reqwest::Client::builder().no_proxy().timeout(Duration::from_millis(50)).build().unwrap();
    let post = impatient.post(format!("{}/refills", url(&server))).json(&order("6", 6));
    assert!(post.send().await.unwrap_err().is_timeout());
    assert_eq!(lookup(&server, "6").await.0, 404, "not yet");
    for _ in 0..200 {
        if lookup(&server, "6").await.0 == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(lookup(&server, "6").await.1["applied"], 1);
    server.shutdown().await;
}

#[tokio::test]
async fn stopping_does_not_wait_for_the_silent() {
    let server = simulator(Config::default()).await;
    let post = client().post(format!("{}/refills", url(&server))).json(&order("1", 0));
    let waiting = tokio::spawn(post.send());
    while summary(&server).await.0 == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::timeout(Duration::from_secs(10), server.shutdown()).await.unwrap();
    assert!(waiting.await.unwrap().is_err());
}
