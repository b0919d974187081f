//! `taabia demo`: a seeded network, the charging and the acquirer simulator and a little live traffic over the embedded
//! database or any other. Started again on the same directory or database it goes on where it stood.

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::args::DemoArgs;
use super::clock::{SystemClock, SystemRandomness};
use super::config::{AcquirerSettings, ChargingKind, Config};
use super::demo_clients::{self, Credentials, Places};
use super::demo_stock;
use super::node::{Node, connect_charging, start_engine, url_of};
use super::serve::{open_for_serving, until_stopped};
use super::{migrate, settings, telemetry};
use crate::domain::Currency;
use crate::engine::Engine;
use crate::ports::{Randomness as _, Reads};
use crate::services::catalogue::{self, Format};
use crate::services::recovery::heed;
use crate::simulator::acquirer;
use crate::simulator::charging::{Config as SimulatorConfig, Server, TMF654_BASE};
use crate::simulator::network::{Branch, NetworkPlan, Seeder};
use crate::simulator::traffic::{CardTraffic, Traffic};
use crate::storage::Storage;

/// Time between two recharges of the live traffic.
const TRAFFIC_PAUSE: Duration = Duration::from_millis(400);

/// A top-up by card comes before the first recharge of so many.
const CARD_TRAFFIC_EVERY: u64 = 25;
/// Its name among the acquirers.
const ACQUIRER: &str = "simulator";

/// What it sells.
const SAMPLE: &str = include_str!("../../config/catalogue.morocco.toml");

/// Runs until a signal asks to stop.
///
/// # Errors
/// When something cannot start.
pub async fn demo(args: DemoArgs) -> Result<bool, Box<dyn Error>> {
    let mut config = settings(&args.settings, &args.flags())?;
    // Whoever tries it has an endpoint on the same machine.
    config.webhooks.allow_any_address = true;
    telemetry::log(&config.telemetry)?;
    let metrics = telemetry::metrics()?;
    migrate::install(&config).await?;
    let storage = open_for_serving(&config).await?;
    let file = config.data_dir.join("demo.json");
    let listener = TcpListener::bind(config.listen).await.map_err(|error| format!("{}: {error}", config.listen))?;
    let api = url_of(listener.local_addr()?);
    let simulator = start_simulator(&args, &mut config, &api).await?;
    let acquirer = start_acquirer(&mut config, demo_clients::acquirer_before(&file), &api).await?;
    let engine = start_engine(&config, &storage);
    import_catalogue(&config, &storage, &engine).await?;
    let branches = seed(&config, &storage, engine.clone()).await?;
    heed(&*storage.store, engine.gate()).await?;
    let recovering = engine.gate().refused_since().is_some();
    let node = Node::start(&config, &storage, engine, connect_charging(&config)?, metrics, listener)?;
    let places = Places {
        charging: simulator.as_ref().map(|server| format!("http://{}", server.addr())).or(args.charging_url.clone()),
        acquirer: acquirer.as_ref().map(|server| format!("http://{}", server.addr())),
    };
    let clients = demo_clients::write(&file, &node, places, &branches).await?;
    // Books that lack what happened last are not stocked.
    if !recovering {
        demo_stock::stock(&node, &clients, &branches, NetworkPlan::demo(config.currency.exponent()).stock_minor)
            .await?;
    }
    let (stop_traffic, traffic_stopped) = watch::channel(false);
    let traffic = traffic(&config, &node, &branches, acquirer.is_some());
    let traffic = (!args.no_traffic).then(|| tokio::spawn(traffic.run(traffic_stopped)));
    introduce(&node.url, &file, &clients);
    println!("ready {}", node.url);
    until_stopped(node).await?;
    stop_traffic.send_replace(true);
    if let Some(traffic) = traffic {
        traffic.await?;
    }
    if let Some(simulator) = simulator {
        simulator.shutdown().await;
    }
    if let Some(acquirer) = acquirer {
        acquirer.shutdown().await;
    }
    Ok(true)
}

/// The charging simulator inside, unless another one is named or nothing but the process itself charges.
async fn start_simulator(args: &DemoArgs, config: &mut Config, api: &str) -> Result<Option<Server>, Box<dyn Error>> {
    if args.charging_url.is_some() || !config.charging.kind.is_remote() {
        return Ok(None);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut simulator =
        SimulatorConfig { data_dir: Some(config.data_dir.join("charging")), ..SimulatorConfig::default() };
    // Good for this run.
    let secret = drawn_secret();
    let mut base = "";
    if config.charging.kind != ChargingKind::Simulator {
        config.charging.user = "taabia".into();
        config.charging.password = secret.clone().into();
        simulator.basic = Some(format!("taabia:{secret}").into());
    }
    if config.charging.kind == ChargingKind::Tmf654 {
        base = TMF654_BASE;
        let api = api.strip_prefix("http://").unwrap_or(api);
        simulator.listener = Some(format!("http://charging:{secret}@{api}/v1/charging-systems/main/events"));
        config.charging.event_secret = secret.into();
        config.charging.operator_bucket = "operator".into();
    }
    let server = Server::start(simulator, listener).await?;
    config.charging.url = format!("http://{}{base}", server.addr());
    Ok(Some(server))
}

/// The acquirer simulator inside, unless the configuration has an acquirer of its name. Where it can, it listens where it
/// did before: customers still have links to its page. It tells `api` what happens.
async fn start_acquirer(
    config: &mut Config,
    before: Option<SocketAddr>,
    api: &str,
) -> Result<Option<acquirer::Server>, Box<dyn Error>> {
    if config.acquirers.contains_key(ACQUIRER) {
        return Ok(None);
    }
    let again = match before.filter(|address| address.ip().is_loopback()) {
        Some(address) => TcpListener::bind(address).await.ok(),
        None => None,
    };
    let listener = match again {
        Some(listener) => listener,
        None => TcpListener::bind("127.0.0.1:0").await?,
    };
    // Good for this run: what was not told before is signed anew.
    let secret = drawn_secret();
    let notify =
        acquirer::Notify { url: format!("{api}/v1/acquirers/{ACQUIRER}/notifications"), secret: secret.clone().into() };
    let simulator = acquirer::Config {
        data_dir: Some(config.data_dir.join("acquirer")),
        notify: Some(notify),
        ..acquirer::Config::new(Arc::new(SystemClock))
    };
    let server = acquirer::Server::start(simulator, listener).await?;
    let settings = AcquirerSettings::of_simulator(format!("http://{}", server.addr()), secret);
    config.acquirers.insert(ACQUIRER.into(), settings);
    Ok(Some(server))
}

fn drawn_secret() -> String {
    let mut secret = [0; 32];
    SystemRandomness.fill(&mut secret);
    hex::encode(secret)
}

async fn seed(config: &Config, storage: &Storage, engine: Arc<Engine>) -> Result<Vec<Branch>, Box<dyn Error>> {
    let seeder = Seeder {
        ledger: engine,
        registry: storage.registry.clone(),
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        shards: storage.store.shards(),
    };
    // Opened without stock: the operator's two persons bring it.
    let plan = NetworkPlan { stock_minor: 0, ..NetworkPlan::demo(config.currency.exponent()) };
    let style = ProgressStyle::with_template("seeding the network {bar:40} {pos}/{len} resellers");
    let bar = ProgressBar::new(plan.resellers().unsigned_abs()).with_style(style.expect("the template is well formed"));
    let branches = seeder.seed(&plan, &mut |done| bar.inc(done)).await?;
    bar.finish_and_clear();
    Ok(branches)
}

/// The sample for Morocco, unless there is a catalogue already. In another currency it sells airtime alone.
async fn import_catalogue(config: &Config, storage: &Storage, engine: &Engine) -> Result<(), Box<dyn Error>> {
    let reads: Arc<dyn Reads> = storage.store.clone();
    let known = catalogue::stored(&*reads).await?.is_some();
    if known || config.currency != Currency::MAD {
        return Ok(());
    }
    let import = super::catalogue::parse(SAMPLE.as_bytes(), Format::Toml, config)?;
    catalogue::import(engine, &*reads, &SystemClock, "operator:seed".into(), import).await?;
    Ok(())
}

fn traffic(config: &Config, node: &Node, branches: &[Branch], cards: bool) -> Traffic {
    let branch = &branches[demo_clients::TRAFFIC_BRANCH];
    let cards = cards.then(|| CardTraffic {
        topups: node.topups.clone(),
        acquirer: ACQUIRER.parse().expect("it is a name"),
        every: CARD_TRAFFIC_EVERY,
    });
    Traffic {
        recharges: node.recharges.clone(),
        reversals: node.reversals.clone(),
        cards,
        randomness: Arc::new(SystemRandomness),
        caller: demo_clients::traffic_caller(branch.root),
        outlets: branch.outlets.clone(),
        plan: config.numbering_plan.clone(),
        pause: TRAFFIC_PAUSE,
        unit_minor: 10_i64.pow(config.currency.exponent()),
    }
}

/// Where everything is, and lines that work as pasted.
fn introduce(url: &str, file: &Path, clients: &[Credentials]) {
    let Some(atm) = clients.iter().find(|client| client.name == "atm") else { return };
    let outlet = atm.reseller_ids.first().map_or("", String::as_str);
    eprintln!(
        "\nTaabia is running.\n\
         \x20 API reference   {url}/docs\n\
         \x20 metrics         {url}/metrics\n\
         \x20 credentials     {}\n\n\
         A token, then a recharge (works as pasted):\n\n\
         TOKEN=$(curl -s -u {}:{} -d grant_type=client_credentials {url}/oauth/token | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n\
         curl -s -X POST {url}/v1/recharges -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \\\n\
         \x20 -d '{{\"external_id\":\"first-1\",\"reseller_id\":\"{outlet}\",\"msisdn\":\"+212612345678\",\"amount\":\"20.00\",\"currency\":\"MAD\",\"channel\":\"atm\"}}'\n",
        file.display(),
        atm.client_id,
        atm.client_secret,
    );
}
