//! The charging side: adapters against the simulator and against peers that answer nonsense.

mod adapter;
mod conformance;
mod garbage;
mod simulator;
mod submission;
mod tmf654;
mod ucip;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::tz::TimeZone;
use taabia::charging::simulator_http::{self, SimulatorHttp};
use taabia::charging::tmf654::{Refusal, Refusals};
use taabia::charging::{
    ChargingConfig, Dependencies, connect, in_process, tmf654 as tmf654_adapter, ucip as ucip_adapter,
};
use taabia::domain::{Currency, Money, Msisdn, OperationId, Timestamp};
use taabia::exchange::Bounds;
use taabia::ports::{Charging, Clock, RefillRequest};
use taabia::simulator::charging::{Config, Server, TMF654_BASE};
use tokio::net::TcpListener;

/// A clock that stands still until it is moved.
struct ManualClock(AtomicI64);

impl ManualClock {
    const START_MS: i64 = 1_795_334_400_000;

    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(Self::START_MS)))
    }

    fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}

/// When the refills of these tests must have been sent.
fn submit_by() -> Timestamp {
    Timestamp::from_unix_ms(ManualClock::START_MS + 60_000)
}

/// A refill of 20.00 for a number with these last two digits.
fn refill(reference: i64, ending: u64) -> RefillRequest {
    RefillRequest {
        reference,
        operation: OperationId::from_uuid(uuid::Uuid::from_u128(u128::from(reference.unsigned_abs()))),
        msisdn: Msisdn::from_digits(212_612_345_600 + ending).unwrap(),
        amount: Money::from_minor(2_000, Currency::MAD),
        product: "airtime".into(),
        submit_by: submit_by(),
    }
}

/// What adapters speak over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    Simulator,
    Ucip,
    Tmf654,
}

impl Wire {
    const ALL: [Self; 3] = [Self::Simulator, Self::Ucip, Self::Tmf654];

    /// Its adapter with short timings, for a peer at `url`.
    fn adapter_with(self, url: &str, timeout_ms: u32, max_in_flight: u32, clock: Arc<dyn Clock>) -> Arc<dyn Charging> {
        match self {
            Self::Simulator => Arc::new(adapter_with(url, timeout_ms, max_in_flight, clock)),
            Self::Ucip => {
                let config = ChargingConfig::Ucip(ucip_config(url, bounds(timeout_ms, max_in_flight)));
                connect(&config, Dependencies { clock }).unwrap()
            }
            Self::Tmf654 => {
                let config = ChargingConfig::Tmf654(tmf654_config(url, bounds(timeout_ms, max_in_flight)));
                connect(&config, Dependencies { clock }).unwrap()
            }
        }
    }

    /// Where it is spoken at the simulator.
    fn url(self, server: &Server) -> String {
        url(server) + if self == Self::Tmf654 { TMF654_BASE } else { "" }
    }

    /// The status with which its peer approves.
    fn success(self) -> u16 {
        if self == Self::Tmf654 { 201 } else { 200 }
    }

    /// How its peer approves the refill with this reference.
    fn approval(self, reference: &str) -> String {
        match self {
            Self::Simulator => {
                format!(r#"{{"reference":"{reference}","result":"approved","code":"approved","applied":1}}"#)
            }
            Self::Tmf654 => format!(r#"{{"id":"1","status":"completed","reason":"{reference}"}}"#),
            Self::Ucip => format!(
                "<?xml version=\"1.0\"?><methodResponse><params><param><value><struct>\
                 <member><name>originTransactionID</name><value><string>{reference}</string></value></member>\
                 <member><name>responseCode</name><value><i4>0</i4></value></member>\
                 </struct></value></param></params></methodResponse>"
            ),
        }
    }

    /// Whether it can be asked what became of a refill.
    fn has_lookup(self) -> bool {
        self != Self::Ucip
    }
}

fn bounds(timeout_ms: u32, max_in_flight: u32) -> Bounds {
    Bounds {
        connect_timeout: Duration::from_secs(1),
        timeout: Duration::from_millis(timeout_ms.into()),
        max_orders_in_flight: max_in_flight as usize,
    }
}

fn ucip_config(url: &str, bounds: Bounds) -> ucip_adapter::Config {
    ucip_adapter::Config {
        url: url.into(),
        bounds,
        user: "taabia".into(),
        password: "s3cret".into(),
        user_agent: "UGw Server/5.0/1.0".into(),
        host_name: "taabia1".into(),
        time_zone: TimeZone::get("Africa/Casablanca").unwrap(),
        currency: Currency::MAD,
        profile: "A1".into(),
        profiles: vec![("*3".into(), "P3".into())],
    }
}

fn tmf654_config(url: &str, bounds: Bounds) -> tmf654_adapter::Config {
    let codes = ["subscriber_unknown", "subscriber_barred", "credit_spent"];
    let codes = codes.map(|name| (name.to_owned(), Refusal::from_name(name).unwrap()));
    let system_down = ("system_down".to_owned(), Refusal::Other);
    tmf654_adapter::Config {
        url: url.into(),
        bounds,
        user: "taabia".into(),
        password: "s3cret".into(),
        currency: Currency::MAD,
        bucket: "main-{msisdn}".into(),
        party_account: "{msisdn}".into(),
        operator_bucket: "operator".into(),
        refusals: Refusals(codes.into_iter().chain([system_down]).collect()),
        event_secret: "tell-me".into(),
    }
}

/// An adapter with short timings, for a peer at `url`.
fn adapter_with(url: &str, timeout_ms: u32, max_in_flight: u32, clock: Arc<dyn Clock>) -> SimulatorHttp {
    let config =
        simulator_http::Config { url: url.into(), bounds: bounds(timeout_ms, max_in_flight), currency: Currency::MAD };
    SimulatorHttp::new(&config, Dependencies { clock }).unwrap()
}

fn adapter(url: &str) -> SimulatorHttp {
    adapter_with(url, 1_000, 256, ManualClock::new())
}

/// A simulator in a hurry: what is slow takes 150 ms.
fn hurried() -> Config {
    Config { slow: Duration::from_millis(150), basic: Some("taabia:s3cret".into()), ..Config::default() }
}

async fn simulator(config: Config) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Server::start(config, listener).await.unwrap()
}

async fn durable_simulator(data_dir: &Path) -> Server {
    simulator(Config { data_dir: Some(data_dir.to_owned()), ..hurried() }).await
}

fn url(server: &Server) -> String {
    format!("http://{}", server.addr())
}

async fn get_json(url: String) -> serde_json::Value {
    client().get(url).send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
}

async fn summary(server: &Server) -> (u64, i64) {
    let summary = get_json(format!("{}/applied/summary", url(server))).await;
    (summary["count"].as_u64().unwrap(), summary["total_minor"].as_i64().unwrap())
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

fn in_process_charging(clock: Arc<dyn Clock>) -> Arc<dyn Charging> {
    connect(&ChargingConfig::InProcess(in_process::Config::default()), Dependencies { clock }).unwrap()
}
