//! UCIP, judged by Python's own XML-RPC (`tests/charging/ucip.py`): it reads what the adapter sends, answers it, and
//! talks to the simulator.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use taabia::charging::{ChargingConfig, Dependencies, connect};
use taabia::domain::{Currency, Decline, Money};
use taabia::ports::{BalanceOutcome, ChargingOutcome, ReversalOutcome, ReversalRequest};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{ManualClock, Wire, bounds, get_json, hurried, refill, simulator, submit_by, summary, ucip_config, url};

/// A Python that is ended with the test.
struct Python(Child);

impl Python {
    fn start(arguments: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/charging/ucip.py");
        let mut python = Command::new("python3");
        python.arg(script).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        Self(python.spawn().expect("python3 is installed: scripts/test does it"))
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What Python's client is answered to these calls, one after the other.
async fn answers(url: String, calls: Vec<Value>) -> Vec<Value> {
    let ask = move || {
        let mut python = Python::start(&["call", &url]);
        let mut input = python.0.stdin.take().unwrap();
        for call in &calls {
            writeln!(input, "{call}").unwrap();
        }
        drop(input);
        let lines = BufReader::new(python.0.stdout.take().unwrap()).lines();
        lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
    };
    tokio::task::spawn_blocking(ask).await.unwrap()
}

#[tokio::test]
async fn python_reads_what_the_adapter_sends_and_the_adapter_what_python_answers() {
    let mut python = Python::start(&["serve"]);
    let mut port = String::new();
    BufReader::new(python.0.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let peer = format!("http://127.0.0.1:{}", port.trim());
    let charging = Wire::Ucip.adapter_with(&peer, 5_000, 8, ManualClock::new());
    assert_eq!(charging.refill(&refill(1_795_336_200_000_000_123, 10)).await, ChargingOutcome::Approved);
    assert_eq!(charging.refill(&refill(2, 93)).await, ChargingOutcome::Approved);
    let unknown = ChargingOutcome::Declined(Decline::SubscriberUnknown);
    assert_eq!(charging.refill(&refill(3, 91)).await, unknown);
    for ending in [90, 92] {
        let outcome = charging.refill(&refill(4, ending)).await;
        assert!(matches!(outcome, ChargingOutcome::Unknown(_)), "{ending}: {outcome:?}");
    }
    let mut pass = refill(5, 11);
    pass.product = "*3".into();
    assert_eq!(charging.refill(&pass).await, ChargingOutcome::Approved);
    let amount = Money::from_minor(700, Currency::MAD);
    let back = ReversalRequest { reference: 6, of: 5, msisdn: pass.msisdn, amount, submit_by: submit_by() };
    assert_eq!(charging.reverse(&back).await, ReversalOutcome::Reversed);
    let has = BalanceOutcome::Known(Money::from_minor(4_200, Currency::MAD));
    assert_eq!(charging.balance(pass.msisdn).await, has);

    let seen = get_json(format!("{peer}/seen")).await;
    assert_eq!(
        seen[0],
        json!({
            "path": "/Air", "method": "Refill", "basic": "taabia:s3cret",
            "user_agent": "UGw Server/5.0/1.0", "content_type": "text/xml",
            "members": {
                "originNodeType": "EXT", "originHostName": "taabia1", "originTransactionID": "1795336200000000123",
                "originTimeStamp": {"time": "20261122T09:00:00+0100"},
                "subscriberNumberNAI": 1, "subscriberNumber": "212612345610",
                "transactionAmount": "2000", "transactionCurrency": "MAD", "refillProfileID": "A1"
            }
        })
    );
    assert_eq!(seen[5]["members"]["refillProfileID"], "P3");
    assert_eq!(
        (&seen[6]["method"], &seen[6]["members"]["adjustmentAmountRelative"]),
        (&json!("UpdateBalanceAndDate"), &json!("-700"))
    );
    assert_eq!(
        (&seen[7]["method"], &seen[7]["members"]["subscriberNumber"]),
        (&json!("GetBalanceAndDate"), &json!("212612345611"))
    );
}

fn call(method: &str, reference: &str, ending: u32, more: Value) -> Value {
    let mut members = json!({
        "originNodeType": "EXT", "originHostName": "bank", "originTransactionID": reference,
        "originTimeStamp": "20261122T10:15:30+0100", "subscriberNumberNAI": 1,
        "subscriberNumber": format!("2126123456{ending:02}"), "transactionCurrency": "MAD"
    });
    members.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"method": method, "members": members})
}

#[tokio::test]
async fn python_talks_to_the_simulator() {
    let server = simulator(hurried()).await;
    let refill = |reference: &str, ending| {
        call("Refill", reference, ending, json!({"transactionAmount": "2000", "refillProfileID": "A1"}))
    };
    let adjust = |reference: &str, minor: &str| {
        call("UpdateBalanceAndDate", reference, 10, json!({"adjustmentAmountRelative": minor}))
    };
    let without = |name: &str| {
        let mut call = refill("9", 10);
        call["members"].as_object_mut().unwrap().remove(name);
        call
    };
    let air = |credentials: &str| format!("http://{credentials}{}/Air", server.addr());
    let said = answers(
        air("taabia:s3cret@"),
        vec![
            refill("1", 10),
            refill("2", 2),
            refill("3", 3),
            refill("4", 4),
            refill("5", 7),
            adjust("6", "-500"),
            adjust("7", "-1501"),
            call("GetBalanceAndDate", "8", 10, json!({})),
            refill("10", 5),
            refill("1", 11),
            call("Recharge", "9", 10, json!({})),
            without("originTimeStamp"),
            without("subscriberNumberNAI"),
            without("transactionAmount"),
            refill("123456789012345678901", 10),
            refill("12a", 10),
        ],
    )
    .await;
    let account = |minor: &str| json!({"accountValue1": minor, "currency1": "MAD"});
    assert_eq!(
        said[0]["answer"],
        json!({"originTransactionID": "1", "responseCode": 0, "accountBeforeRefill": account("0"),
            "accountAfterRefill": account("2000")})
    );
    let codes: Vec<_> = said[1..8].iter().map(|said| said["answer"]["responseCode"].as_i64().unwrap()).collect();
    assert_eq!(codes, [102, 103, 125, 999, 0, 124, 0]);
    assert_eq!(said[7]["answer"]["accountValue1"], "1500");
    assert_eq!(said[8], json!({"http": 500}));
    assert_eq!(said[9]["answer"]["responseCode"], 100, "a reference stands for one refill");
    assert_eq!(said[10], json!({"fault": 1001}));
    assert!(said[11..].iter().all(|said| *said == json!({"fault": 1000})), "{said:?}");
    // The number that ends in 05 got its credit before the answer failed.
    assert_eq!(summary(&server).await, (2, 3_500));
    for credentials in ["", "taabia:wrong@"] {
        assert_eq!(answers(air(credentials), vec![refill("11", 10)]).await, [json!({"http": 401})]);
    }
    let client = super::client().post(format!("{}/Air", url(&server))).body("<methodCall/>");
    assert_eq!(client.send().await.unwrap().status(), 400, "without the mandatory User-Agent");
    server.shutdown().await;
}

#[tokio::test]
async fn bombs_are_answers_that_prove_nothing() {
    let approved = Wire::Ucip.approval("7");
    let document = approved.split_once("?>").unwrap().1;
    for bomb in [
        format!("<!DOCTYPE a [<!ENTITY z \"0\">]>{}", document.replace("<i4>0</i4>", "<i4>&z;</i4>")),
        format!("<!DOCTYPE a SYSTEM \"http://127.0.0.1:1/\">{document}"),
        "<value>".repeat(9_000),
        format!("{document}{}", " ".repeat(70_000)),
    ] {
        let peer = MockServer::start().await;
        Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_string(bomb)).mount(&peer).await;
        let charging = Wire::Ucip.adapter_with(&peer.uri(), 5_000, 8, ManualClock::new());
        let outcome = charging.refill(&refill(7, 10)).await;
        assert!(matches!(outcome, ChargingOutcome::Unknown(_)), "{outcome:?}");
    }
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    let good = ucip_config("http://charging", bounds(1_000, 8));
    let connects = |change: &dyn Fn(&mut taabia::charging::ucip::Config)| {
        let mut config = good.clone();
        change(&mut config);
        let connected = connect(&ChargingConfig::Ucip(config), Dependencies { clock: ManualClock::new() });
        connected.map(|charging| charging.name()).map_err(|error| error.setting)
    };
    assert_eq!(connects(&|_| {}), Ok("ucip"));
    assert_eq!(connects(&|config| config.url = "ftp://charging".into()), Err("url"));
    assert_eq!(connects(&|config| config.user_agent = "curl/8.5".into()), Err("user_agent"));
    assert_eq!(connects(&|config| config.host_name.clear()), Err("host_name"));
    assert_eq!(connects(&|config| config.user = "a:b".into()), Err("user"));
    assert_eq!(connects(&|config| config.profile = "LONGER".into()), Err("refill_profiles"));
}
