//! The server's own ceiling: the real API, tokens, services and metrics over a ledger that answers at once.

use std::sync::Arc;

use axum::serve::ListenerExt as _;
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::ExposeSecret as _;
use taabia::acquiring::Acquirers;
use taabia::charging::{self, ChargingConfig, ChargingSystems, Dependencies, in_process};
use taabia::cli::clock::{SystemClock, SystemRandomness};
use taabia::cli::config::Config;
use taabia::cli::telemetry;
use taabia::domain::ids::uuid_v7;
use taabia::domain::{PartnerId, ResellerId, Shard};
use taabia::engine::{Engine, EngineConfig};
use taabia::http::{self, Api, Exports, Readiness};
use taabia::notify::{AllowedAddresses, HttpNotifier, NotifierSettings};
use taabia::ports::{Clock as _, NetworkReads, Registry};
use taabia::services::access::{
    Authenticator, AuthenticatorSettings, Clients, KeyFile, KeyRing, KeySource, NewClient, SecretHasher, TokenSettings,
    Tokens,
};
use taabia::services::business_days::BusinessDays;
use taabia::services::cashier::{Cashier, CashierConfig};
use taabia::services::recharges::{RechargeConfig, RechargeDeps};
use taabia::services::reversals::{ReversalConfig, ReversalDeps};
use taabia::services::statements::Boundaries;
use taabia::services::stock_watch::StockWatches;
use taabia::services::topups::{TopupConfig, TopupDeps, Topups};
use taabia::services::webhooks::WebhookKey;
use taabia::services::{
    Allocations, Audit, Catalogues, Certificates, Commissions, Directory, FourEyes, Limits, Network, Recharges,
    Reversals, Scope, Statements, Stock, Terminals, Transfers, Users,
};
use taabia::simulator::memory::MemoryStore;
use taabia::simulator::network::NetworkPlan;
use tokio::net::TcpListener;

use super::arguments::Arguments;
use super::instant::InstantLedger;
use super::server::{self, Credentials};
use super::{Result, installation};

const SHARDS: u16 = 8;

pub async fn measure(arguments: &Arguments) -> Result<()> {
    let config = installation::config(&[])?;
    let plan = NetworkPlan::demo(config.currency.exponent());
    let network = Arc::new(MemoryStore::new(SHARDS));
    let engine =
        Engine::start(network.clone(), Arc::new(SystemClock), installation::rules(&config), &EngineConfig::default());
    installation::seed(&plan, engine.clone(), network.clone(), &*network).await?;
    let mut roots = Vec::new();
    for code in ["D01", "D02", "D03", "D04"] {
        roots.push(network.reseller_by_code(code).await?.ok_or("the network has four distributors")?.id);
    }
    let resellers: Vec<ResellerId> =
        network.subtree(&roots, None, 10_000).await?.into_iter().map(|registration| registration.id).collect();

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let clients = Clients {
        registry: network.clone(),
        ledger: engine.clone(),
        reads: network.clone(),
        actor: "operator:bench".into(),
        hasher: Arc::new(SecretHasher::new(Arc::new(SystemRandomness), 2, 64)?),
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        overlap_ms: 0,
    };
    let client = client(&clients, roots).await?;
    engine.close().await;
    let keys = arguments.folder()?.join("ceiling-key.pem");
    let ledger = Arc::new(InstantLedger::new(&resellers, plan.stock_minor));
    let api = api(
        &config,
        (network.clone(), network),
        ledger,
        clients,
        KeySource::File { file: KeyFile::new(keys), create_when_missing: true },
        &url,
    )?;
    let listener = listener.tap_io(|connection| {
        connection.set_nodelay(true).expect("a fresh connection takes options");
    });
    let server = tokio::spawn(async move { axum::serve(listener, http::router(Arc::new(api))).await });
    let during = arguments.duration()?;
    let measured = tokio::task::spawn_blocking(move || {
        for connections in [64, 256] {
            let name = format!("ceiling_{connections}");
            server::load(&name, &url, &client, connections, during).map_err(|error| error.to_string())?;
        }
        Ok::<(), String>(())
    });
    measured.await??;
    server.abort();
    Ok(())
}

async fn client(clients: &Clients, roots: Vec<ResellerId>) -> Result<Credentials> {
    let new = clients
        .create(NewClient {
            name: "bench".into(),
            partner: PartnerId::from_uuid(uuid_v7(SystemClock.now(), [1; 10], Shard::OPERATOR)),
            partner_name: "bench".into(),
            scopes: vec![Scope::RechargesWrite, Scope::RechargesRead, Scope::StockRead],
            roots,
            rate_limit_per_s: None,
        })
        .await?;
    Ok(Credentials { client_id: new.client.to_string(), client_secret: new.secret.expose_secret().to_owned() })
}

fn metrics() -> Result<PrometheusHandle> {
    let metrics = telemetry::metrics()?;
    tokio::spawn(telemetry::upkeep(metrics.clone()));
    Ok(metrics)
}

/// Charging approves everything at once.
fn recharges(
    config: &Config,
    ledger: Arc<InstantLedger>,
    directory: Arc<Directory>,
) -> Result<(Arc<Recharges>, Arc<ChargingSystems>)> {
    let approving = ChargingConfig::InProcess(in_process::Config::default());
    let dependencies = Dependencies { clock: Arc::new(SystemClock) };
    let charging = Arc::new(ChargingSystems::of(charging::connect(&approving, dependencies.clone())?, &dependencies));
    let deps = RechargeDeps {
        ledger: ledger.clone(),
        reads: ledger,
        charging: charging.clone(),
        directory,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
    };
    let recharges = RechargeConfig {
        answer_within_ms: config.recharge.answer_within_ms,
        evidence: taabia::ledger::evidence::EvidenceRules::default(),
        max_outstanding: config.engine.max_outstanding,
        currency: config.currency,
    };
    Ok((Arc::new(Recharges::new(deps, recharges)), charging))
}

/// Nothing is taken back here.
fn reversals(
    ledger: Arc<InstantLedger>,
    lists: Arc<taabia::simulator::MemoryStore>,
    (charging, directory): (Arc<ChargingSystems>, Arc<Directory>),
    config: &Config,
) -> Reversals {
    let deps = ReversalDeps {
        ledger: ledger.clone(),
        reads: ledger,
        lists,
        charging,
        directory,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
    };
    let times = ReversalConfig {
        currency: config.currency,
        answer_within_ms: config.recharge.answer_within_ms,
        evidence: taabia::ledger::evidence::EvidenceRules::default(),
        lookup_timeout_ms: config.charging.lookup_timeout_ms,
    };
    Reversals::new(deps, times)
}

fn transfers(config: &Config, ledger: Arc<InstantLedger>, directory: Arc<Directory>) -> Transfers {
    Transfers {
        ledger: ledger.clone(),
        reads: ledger.clone(),
        lists: ledger,
        directory,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        edges: config.transfer.permitted.clone(),
    }
}

fn allocations(
    ledger: Arc<InstantLedger>,
    store: Arc<taabia::simulator::MemoryStore>,
    directory: Arc<Directory>,
) -> Allocations {
    Allocations {
        ledger: ledger.clone(),
        reads: ledger,
        stock: store.clone(),
        registry: store,
        directory,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        own: Arc::default(),
    }
}

fn statements(config: &Config, ledger: Arc<InstantLedger>, directory: Arc<Directory>) -> Statements {
    Statements {
        directory,
        reads: ledger,
        movements: Arc::new(MemoryStore::new(SHARDS)),
        clock: Arc::new(SystemClock),
        calendar: config.calendar(),
        boundaries: Boundaries::default(),
    }
}

fn business_days(config: &Config, ledger: Arc<InstantLedger>) -> BusinessDays {
    BusinessDays {
        ledger: ledger.clone(),
        reads: ledger,
        movements: Arc::new(MemoryStore::new(SHARDS)),
        clock: Arc::new(SystemClock),
        calendar: config.calendar(),
        shards: SHARDS,
    }
}

/// Nothing is topped up here: there are no acquirers.
fn topups(
    ledger: Arc<InstantLedger>,
    store: Arc<taabia::simulator::MemoryStore>,
    (directory, registry): (Arc<Directory>, Arc<dyn Registry>),
    recharges: Arc<Recharges>,
    config: &Config,
) -> Topups {
    let (clock, randomness) = (Arc::new(SystemClock), Arc::new(SystemRandomness));
    let dependencies = taabia::acquiring::Dependencies { clock: clock.clone(), randomness: randomness.clone() };
    let none = Acquirers::connect(std::iter::empty(), &dependencies).map_err(|(_, error)| error);
    let acquirers = Arc::new(none.expect("there are none that could not be connected"));
    let cashier = Arc::new(Cashier {
        ledger: ledger.clone(),
        reads: ledger.clone(),
        acquirers: acquirers.clone(),
        clock: clock.clone(),
        randomness: randomness.clone(),
        recharges,
        config: CashierConfig {
            currency: config.currency,
            acquirer_deadline_ms: 1,
            lookup_horizon_ms: 1,
            public_url: "".into(),
        },
    });
    let times = TopupConfig { answer_within_ms: 1, house: None };
    let deps = TopupDeps {
        ledger: ledger.clone(),
        reads: ledger,
        lists: store.clone(),
        notifications: store,
        directory,
        registry,
        acquirers,
        cashier,
        clock,
        randomness,
    };
    Topups::new(deps, times)
}

fn reconciliation(
    config: &Config,
    reads: Arc<InstantLedger>,
    topups: Arc<taabia::simulator::MemoryStore>,
) -> taabia::services::Reconciliation {
    taabia::services::Reconciliation { reads, topups, calendar: config.calendar() }
}

fn users(ledger: Arc<InstantLedger>, directory: Arc<Directory>, pins: Arc<SecretHasher>) -> Users {
    let (clock, randomness) = (Arc::new(SystemClock), Arc::new(SystemRandomness));
    Users { directory, ledger: ledger.clone(), reads: ledger, pins, clock, randomness }
}

fn care(
    reads: Arc<InstantLedger>,
    store: Arc<taabia::simulator::MemoryStore>,
    (recharges, webhooks, directory): (Arc<Recharges>, Arc<taabia::services::Webhooks>, Arc<Directory>),
) -> taabia::services::Care {
    taabia::services::Care {
        recharges,
        webhooks,
        directory,
        ledger: reads.clone(),
        reads,
        lists: store.clone(),
        journal: store.clone(),
        movements: store.clone(),
        care: store.clone(),
        cases: store,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        call_back_within_ms: 3_600_000,
    }
}

/// Nobody is told of anything here.
fn webhooks(
    ledger: Arc<InstantLedger>,
    store: Arc<taabia::simulator::MemoryStore>,
) -> Result<taabia::services::Webhooks> {
    let settings = NotifierSettings { answer_within_ms: 1_000, addresses: AllowedAddresses::Public };
    Ok(taabia::services::Webhooks {
        ledger: ledger.clone(),
        reads: ledger,
        movements: store.clone(),
        outbox: store,
        notifier: Arc::new(HttpNotifier::new(settings)?),
        key: Arc::new(WebhookKey::parse(&WebhookKey::draw(&SystemRandomness))?),
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        shards: SHARDS,
        overlap_ms: 0,
    })
}

/// Wired as a node is, with the one ledger in place of engine and store.
fn api(
    config: &Config,
    (registry, network): (Arc<dyn Registry>, Arc<dyn NetworkReads>),
    ledger: Arc<InstantLedger>,
    clients: Clients,
    keys: KeySource,
    url: &str,
) -> Result<Api> {
    let (clock, randomness) = (Arc::new(SystemClock), Arc::new(SystemRandomness));
    // Nothing is allocated here: empty books answer.
    let store = Arc::new(taabia::simulator::MemoryStore::new(SHARDS));
    let directory = Arc::new(Directory::new(registry.clone(), SHARDS));
    let keys = Arc::new(KeyRing::open(keys, clock.clone(), &*randomness)?);
    let settings = TokenSettings::for_installation(url);
    let authenticator =
        Authenticator::new(registry.clone(), keys.clone(), clock.clone(), &settings, AuthenticatorSettings::default());
    let tokens = Tokens {
        registry: registry.clone(),
        hasher: clients.hasher,
        keys,
        clock: clock.clone(),
        randomness: randomness.clone(),
        settings,
    };
    let users = users(ledger.clone(), directory.clone(), tokens.hasher.clone());
    let (recharges, charging) = recharges(config, ledger.clone(), directory.clone())?;
    let catalogues = Arc::new(Catalogues::new(ledger.clone(), &super::installation::rules(config)));
    let commissions = Commissions {
        recharges: recharges.clone(),
        catalogues: catalogues.clone(),
        directory: directory.clone(),
        reads: ledger.clone(),
    };
    let statements = Arc::new(statements(config, ledger.clone(), directory.clone()));
    let dependencies = taabia::acquiring::Dependencies { clock: clock.clone(), randomness: randomness.clone() };
    let none = Acquirers::connect(std::iter::empty(), &dependencies).map_err(|(_, error)| error)?;
    let webhooks = Arc::new(webhooks(ledger.clone(), store.clone())?);
    Ok(Api {
        care: Arc::new(care(ledger.clone(), store.clone(), (recharges.clone(), webhooks.clone(), directory.clone()))),
        gate: Arc::default(),
        reversals: Arc::new(reversals(ledger.clone(), store.clone(), (charging.clone(), directory.clone()), config)),
        certificates: Arc::new(Certificates { recharges: recharges.clone(), audit: store.clone() }),
        charging,
        settlements: Arc::new(taabia::services::settlement::Settlements {
            ledger: ledger.clone(),
            reads: ledger.clone(),
            settlement: store.clone(),
            registry: registry.clone(),
            acquirers: Arc::new(none),
            clock: clock.clone(),
            currency: config.currency,
            record: config.charging_record.profile(),
        }),
        reconciliation: Arc::new(reconciliation(config, ledger.clone(), store.clone())),
        recharges: recharges.clone(),
        stock: Arc::new(Stock { directory: directory.clone(), reads: ledger.clone(), clock: clock.clone() }),
        limits: Arc::new(Limits {
            ledger: ledger.clone(),
            reads: ledger.clone(),
            directory: directory.clone(),
            clock: clock.clone(),
        }),
        topups: Arc::new(topups(ledger.clone(), store.clone(), (directory.clone(), registry), recharges, config)),
        transfers: Arc::new(transfers(config, ledger.clone(), directory.clone())),
        network: Arc::new(Network {
            directory: directory.clone(),
            ledger: ledger.clone(),
            reads: network,
            clock: clock.clone(),
            randomness: randomness.clone(),
        }),
        terminals: Arc::new(Terminals { directory: directory.clone(), ledger: ledger.clone(), reads: ledger.clone() }),
        catalogues,
        commissions: Arc::new(commissions),
        clock: clock.clone(),
        business_days: business_days(config, ledger.clone()),
        stock_watches: StockWatches {
            ledger: ledger.clone(),
            reads: ledger.clone(),
            directory: directory.clone(),
            statements: statements.clone(),
        },
        statements,
        audit: Arc::new(Audit { directory: directory.clone(), reads: ledger.clone() }),
        users: Arc::new(users),
        webhooks,
        allocations: Arc::new(allocations(ledger.clone(), store, directory.clone())),
        four_eyes: Arc::new(FourEyes {
            ledger: ledger.clone(),
            reads: ledger.clone(),
            directory: directory.clone(),
            clock,
            randomness: randomness.clone(),
        }),
        exports: Exports { folder: std::path::PathBuf::from("."), places: Arc::new(tokio::sync::Semaphore::new(2)) },
        directory,
        reads: ledger,
        tokens: Arc::new(tokens),
        authenticator: Arc::new(authenticator),
        randomness,
        currency: config.currency,
        numbering: config.numbering_plan.clone(),
        metrics: metrics()?,
        readiness: Readiness::default(),
    })
}
