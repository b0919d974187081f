//! A node: engine, services, jobs and the API over one store, started and stopped in order.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use super::clock::{SystemClock, SystemRandomness};
use super::config::{Config, SigningKey, charging_setups, evidence_rules};
use super::node_care::{care, case_job};
use super::node_jobs::{start_jobs, stock_jobs};
use super::node_reversals::{reversal_job, reversals};
use super::node_topups::{acquirers, cashier, topup_job, topups};
use super::node_webhooks::{webhook_job, webhooks};
use super::settlement::{reconciliation, settlements};
use crate::charging::{self, ChargingSystems};
use crate::domain::{Money, SystemName};
use crate::engine::{Engine, EngineConfig};
use crate::http::{self, Api, Exports, Readiness};
use crate::ledger::{Actor, Rules};
use crate::ports::{Clock, Randomness, Reads};
use crate::services::access::{
    Authenticator, AuthenticatorSettings, ClientFreshness, Clients, KeyFile, KeyRing, KeySource, SecretHasher,
    TokenSettings, Tokens,
};
use crate::services::business_days::BusinessDays;
use crate::services::recharges::{RechargeConfig, RechargeDeps};
use crate::services::statements::Boundaries;
use crate::services::stock_watch::StockWatches;
use crate::services::topups::Topups;
use crate::services::{
    Allocations, Audit, Catalogues, Certificates, Commissions, Directory, FourEyes, Limits, Network, Recharges,
    Reversals, Statements, Stock, Terminals, Transfers, Users,
};
use crate::storage::Storage;

/// Hashes of secrets computed at once, and callers that may wait for their turn.
const HASHES_AT_ONCE: usize = 2;
const HASHES_WAITING: usize = 64;

/// A running node.
pub struct Node {
    pub url: String,
    pub engine: Arc<Engine>,
    pub recharges: Arc<Recharges>,
    pub reversals: Arc<Reversals>,
    pub topups: Arc<Topups>,
    pub four_eyes: Arc<FourEyes>,
    pub allocations: Arc<Allocations>,
    pub clients: Clients,
    readiness: Readiness,
    stop_server: watch::Sender<bool>,
    stop_jobs: watch::Sender<bool>,
    server: JoinHandle<std::io::Result<()>>,
    jobs: Vec<JoinHandle<()>>,
    unready: Duration,
    drain_within: Duration,
}

/// The operator's rules as configured.
#[must_use]
pub fn rules(config: &Config) -> Rules {
    let (least, largest) = config.airtime_range();
    let (topup_min, topup_max) = config.topup_range();
    Rules {
        airtime_minor: least.minor()..=largest.minor(),
        similar_guard_ms: millis(config.recharge.similar_guard_ms),
        charging_deadline_ms: millis(config.recharge.charging_deadline_ms),
        evidence: evidence_rules(config),
        approval_expiry_ms: millis(config.four_eyes.expire_after_s.saturating_mul(1_000)),
        vat_basis_points: i64::from(config.allocation.vat_basis_points),
        issue_per_day_minor: config.issue_per_day().map(Money::minor),
        topup_minor: topup_min.minor()..=topup_max.minor(),
        topup_fee: config.topup_fee(),
        topup_quote_ms: millis(config.topup.quote_s.saturating_mul(1_000)),
        suspend_on_chargeback: config.topup.suspend_on_chargeback,
        edges: config.transfer.permitted.clone(),
        accept_within_ms: millis(config.transfer.accept_within_s.saturating_mul(1_000)),
        calendar: config.calendar(),
        levels: config.network.levels.clone(),
    }
}

/// The engine's part of a node, as long as nothing is served yet.
pub fn start_engine(config: &Config, storage: &Storage) -> Arc<Engine> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let engine = EngineConfig {
        posters: config.engine.posters(cores, storage.store.shards()),
        max_batch: config.engine.max_batch,
        queue_capacity: config.engine.queue_capacity,
        queue_deadline_ms: config.engine.queue_deadline_ms,
        own_threads: true,
        ..EngineConfig::default()
    };
    Engine::start(storage.store.clone(), Arc::new(SystemClock), Arc::new(rules(config)), &engine)
}

/// The configured charging systems.
///
/// # Errors
/// The setting that cannot work, and why.
pub fn connect_charging(config: &Config) -> Result<Arc<ChargingSystems>, Box<dyn Error>> {
    let setups = charging_setups(config).map_err(|(setting, problem)| format!("{setting}: {problem}"))?;
    let systems = ChargingSystems::connect(setups, &charging::Dependencies { clock: Arc::new(SystemClock) });
    systems.map(Arc::new).map_err(|(name, error)| match name {
        SystemName::MAIN => format!("charging.{error}").into(),
        name => format!("charging_systems.{name}.{error}").into(),
    })
}

/// The use cases of clients, also for the command line.
///
/// # Errors
/// When secrets cannot be hashed at all.
pub fn clients(
    config: &Config,
    storage: &Storage,
    engine: Arc<Engine>,
    actor: Actor,
) -> Result<Clients, Box<dyn Error>> {
    let randomness: Arc<dyn Randomness> = Arc::new(SystemRandomness);
    Ok(Clients {
        registry: storage.registry.clone(),
        ledger: engine,
        reads: storage.store.clone(),
        actor,
        hasher: Arc::new(SecretHasher::new(randomness.clone(), HASHES_AT_ONCE, HASHES_WAITING)?),
        clock: Arc::new(SystemClock),
        randomness,
        overlap_ms: millis(config.access.secret_overlap_s.saturating_mul(1_000)),
    })
}

impl Node {
    /// Serves on `listener` from now on.
    ///
    /// # Errors
    /// When the signing key cannot be used.
    pub fn start(
        config: &Config,
        storage: &Storage,
        engine: Arc<Engine>,
        charging: Arc<ChargingSystems>,
        metrics: PrometheusHandle,
        listener: TcpListener,
    ) -> Result<Self, Box<dyn Error>> {
        let (clock, randomness) = (Arc::new(SystemClock), Arc::new(SystemRandomness));
        let url = url_of(listener.local_addr()?);
        let directory = Arc::new(Directory::new(storage.registry.clone(), storage.store.shards()));
        let reads: Arc<dyn Reads> = storage.store.clone();
        let recharges = Arc::new(recharges(config, storage, engine.clone(), charging.clone(), directory.clone()));
        let reversals = Arc::new(reversals(config, storage, (engine.clone(), charging.clone(), directory.clone())));
        let clients = clients(config, storage, engine.clone(), "operator:program".into())?;
        let catalogues = Arc::new(Catalogues::new(reads.clone(), &rules(config)));
        let keys = Arc::new(KeyRing::open(key_source(config), clock.clone(), &*randomness)?);
        let mut settings = TokenSettings::for_installation(&config.issuer().unwrap_or_else(|| url.clone()));
        settings.lifetime_s = config.access.token_ttl_s;
        let authenticator = authenticator(config, storage, keys.clone(), &settings);
        let tokens = Tokens {
            registry: storage.registry.clone(),
            hasher: clients.hasher.clone(),
            keys,
            clock: clock.clone(),
            randomness: randomness.clone(),
            settings,
        };
        let statements = Arc::new(statements(config, storage, directory.clone()));
        let readiness = Readiness::default();
        let allocations = Arc::new(allocations(storage, engine.clone(), directory.clone()));
        let four_eyes = Arc::new(four_eyes(storage, engine.clone(), directory.clone()));
        let acquirers = Arc::new(acquirers(config)?);
        let through = (engine.clone(), reads.clone(), recharges.clone());
        let cashier = Arc::new(cashier(config, through, acquirers.clone(), &url));
        let topups =
            Arc::new(topups(storage, engine.clone(), directory.clone(), (acquirers.clone(), cashier.clone()), config));
        let webhooks = webhooks(config, storage, engine.clone())?;
        let api = Arc::new(Api {
            settlements: Arc::new(settlements(config, storage, engine.clone(), acquirers)),
            reconciliation: Arc::new(reconciliation(config, storage)),
            topups: topups.clone(),
            charging: charging.clone(),
            gate: engine.gate().clone(),
            certificates: Arc::new(Certificates { recharges: recharges.clone(), audit: storage.audit.clone() }),
            care: Arc::new(care(
                config,
                storage,
                recharges.clone(),
                (engine.clone(), webhooks.clone(), directory.clone()),
            )),
            recharges: recharges.clone(),
            reversals: reversals.clone(),
            network: Arc::new(network(storage, engine.clone(), directory.clone())),
            terminals: Arc::new(terminals(storage, engine.clone(), directory.clone())),
            limits: Arc::new(limits(storage, engine.clone(), directory.clone())),
            transfers: Arc::new(transfers(config, storage, engine.clone(), directory.clone())),
            commissions: Arc::new(commissions(storage, recharges.clone(), catalogues.clone(), directory.clone())),
            catalogues,
            clock: clock.clone(),
            stock: Arc::new(Stock { directory: directory.clone(), reads: reads.clone(), clock: clock.clone() }),
            audit: Arc::new(Audit { directory: directory.clone(), reads: reads.clone() }),
            users: Arc::new(users(storage, engine.clone(), directory.clone())?),
            webhooks: webhooks.clone(),
            statements: statements.clone(),
            business_days: business_days(config, storage, engine.clone()),
            stock_watches: stock_watches(storage, engine.clone(), directory.clone(), statements),
            exports: exports(config),
            allocations: allocations.clone(),
            four_eyes: four_eyes.clone(),
            directory: directory.clone(),
            reads: reads.clone(),
            tokens: Arc::new(tokens),
            authenticator: Arc::new(authenticator),
            randomness,
            currency: config.currency,
            numbering: config.numbering_plan.clone(),
            metrics: metrics.clone(),
            readiness: readiness.clone(),
        });
        let (stop_server, server_stopped) = watch::channel(false);
        let serving = tokio::spawn(serve(http::router(api.clone()), listener, server_stopped));
        let (stop_jobs, jobs_stopped) = watch::channel(false);
        let mut jobs = start_jobs(config, storage, &engine, charging, &jobs_stopped);
        jobs.push(tokio::spawn(reversal_job(config, storage, reversals.clone()).run(jobs_stopped.clone())));
        jobs.extend(stock_jobs(config, storage, &engine, &allocations, &jobs_stopped));
        jobs.push(tokio::spawn(topup_job(config, storage, cashier).run(jobs_stopped.clone())));
        jobs.push(tokio::spawn(case_job(storage).run(jobs_stopped.clone())));
        jobs.push(tokio::spawn(webhook_job(config, storage, &webhooks, (api, directory)).run(jobs_stopped)));
        jobs.push(tokio::spawn(super::telemetry::upkeep(metrics)));
        Ok(Self {
            url,
            engine,
            recharges,
            reversals,
            topups,
            four_eyes,
            allocations,
            clients,
            readiness,
            stop_server,
            stop_jobs,
            server: serving,
            jobs,
            unready: Duration::from_millis(config.shutdown.unready_ms),
            drain_within: Duration::from_millis(config.shutdown.drain_within_ms),
        })
    }

    /// Turns unready, stops taking connections, finishes what is under way within the bound, and ends.
    /// What is cut off by the bound is in the store and goes on at the next start.
    pub async fn stop(mut self) {
        tracing::info!("draining");
        self.readiness.drain();
        tokio::time::sleep(self.unready).await;
        self.stop_server.send_replace(true);
        self.stop_jobs.send_replace(true);
        let drained = tokio::time::timeout(self.drain_within, async {
            let _ = (&mut self.server).await;
            self.recharges.drain().await;
        });
        if drained.await.is_err() {
            tracing::warn!("not everything was finished in time; the rest goes on at the next start");
            self.server.abort();
        }
        self.jobs.iter().for_each(JoinHandle::abort);
        if tokio::time::timeout(self.drain_within, self.engine.close()).await.is_err() {
            tracing::warn!("the engine could not finish in time");
        }
        tracing::info!("stopped");
    }

    /// Waits for a server that ends by itself, which is an error.
    pub async fn server_ended(&mut self) -> std::io::Error {
        match (&mut self.server).await {
            Ok(Ok(())) => std::io::Error::other("the server ended"),
            Ok(Err(error)) => error,
            Err(error) => std::io::Error::other(error),
        }
    }
}

pub(super) fn commissions(
    storage: &Storage,
    recharges: Arc<Recharges>,
    catalogues: Arc<Catalogues>,
    directory: Arc<Directory>,
) -> Commissions {
    Commissions { recharges, catalogues, directory, reads: storage.store.clone() }
}

fn terminals(storage: &Storage, ledger: Arc<Engine>, directory: Arc<Directory>) -> Terminals {
    Terminals { directory, ledger, reads: storage.store.clone() }
}

fn network(storage: &Storage, ledger: Arc<Engine>, directory: Arc<Directory>) -> Network {
    let (clock, randomness) = (Arc::new(SystemClock), Arc::new(SystemRandomness));
    Network { directory, ledger, reads: storage.network.clone(), clock, randomness }
}

fn limits(storage: &Storage, engine: Arc<Engine>, directory: Arc<Directory>) -> Limits {
    Limits { ledger: engine, reads: storage.store.clone(), directory, clock: Arc::new(SystemClock) }
}

fn transfers(config: &Config, storage: &Storage, engine: Arc<Engine>, directory: Arc<Directory>) -> Transfers {
    Transfers {
        ledger: engine,
        reads: storage.store.clone(),
        lists: storage.store.clone(),
        directory,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        edges: config.transfer.permitted.clone(),
    }
}

/// Answers requests until it is told to stop.
async fn serve(router: axum::Router, listener: TcpListener, mut stopped: watch::Receiver<bool>) -> std::io::Result<()> {
    let listener = listener.tap_io(|connection| {
        // Answers are small: none waits for a packet to fill up.
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY cannot be set");
        }
    });
    let peers = router.into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, peers).with_graceful_shutdown(async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    });
    served.await
}

pub(super) fn allocations(storage: &Storage, engine: Arc<Engine>, directory: Arc<Directory>) -> Allocations {
    Allocations {
        ledger: engine,
        reads: storage.store.clone(),
        stock: storage.stock.clone(),
        registry: storage.registry.clone(),
        directory,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        own: Arc::default(),
    }
}

fn four_eyes(storage: &Storage, engine: Arc<Engine>, directory: Arc<Directory>) -> FourEyes {
    FourEyes {
        ledger: engine,
        reads: storage.store.clone(),
        directory,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
    }
}

fn exports(config: &Config) -> Exports {
    let places = Arc::new(Semaphore::new(config.statements.exports_at_once));
    Exports { folder: config.data_dir.clone(), places }
}

/// The expiry of proposals, and the runs.
fn recharges(
    config: &Config,
    storage: &Storage,
    engine: Arc<Engine>,
    charging: Arc<ChargingSystems>,
    directory: Arc<Directory>,
) -> Recharges {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let deps = RechargeDeps {
        ledger: engine,
        reads: storage.store.clone(),
        charging,
        directory,
        clock,
        randomness: Arc::new(SystemRandomness),
    };
    let settings = RechargeConfig {
        answer_within_ms: config.recharge.answer_within_ms,
        evidence: evidence_rules(config),
        max_outstanding: config.engine.max_outstanding,
        currency: config.currency,
    };
    Recharges::new(deps, settings)
}

fn stock_watches(
    storage: &Storage,
    ledger: Arc<Engine>,
    directory: Arc<Directory>,
    statements: Arc<Statements>,
) -> StockWatches {
    StockWatches { ledger, reads: storage.store.clone(), directory, statements }
}

fn authenticator(config: &Config, storage: &Storage, keys: Arc<KeyRing>, settings: &TokenSettings) -> Authenticator {
    Authenticator::new(
        storage.registry.clone(),
        keys,
        Arc::new(SystemClock),
        settings,
        AuthenticatorSettings {
            remembered_tokens: config.access.token_cache_size,
            freshness: ClientFreshness {
                refresh_after: Duration::from_millis(config.access.client_refresh_ms),
                ..ClientFreshness::default()
            },
        },
    )
}

fn users(storage: &Storage, engine: Arc<Engine>, directory: Arc<Directory>) -> Result<Users, Box<dyn Error>> {
    let randomness = Arc::new(SystemRandomness);
    Ok(Users {
        directory,
        ledger: engine,
        reads: storage.store.clone(),
        // A queue of their own: nobody who guesses PINs keeps clients from their tokens.
        pins: Arc::new(SecretHasher::new(randomness.clone(), HASHES_AT_ONCE, HASHES_WAITING)?),
        clock: Arc::new(SystemClock),
        randomness,
    })
}

fn statements(config: &Config, storage: &Storage, directory: Arc<Directory>) -> Statements {
    Statements {
        directory,
        reads: storage.store.clone(),
        movements: storage.movements.clone(),
        clock: Arc::new(SystemClock),
        calendar: config.calendar(),
        boundaries: Boundaries::default(),
    }
}

pub(super) fn business_days(config: &Config, storage: &Storage, engine: Arc<Engine>) -> BusinessDays {
    BusinessDays {
        ledger: engine,
        reads: storage.store.clone(),
        movements: storage.movements.clone(),
        clock: Arc::new(SystemClock),
        calendar: config.calendar(),
        shards: storage.store.shards(),
    }
}

fn key_source(config: &Config) -> KeySource {
    match config.signing_key() {
        SigningKey::Inline(pem) => KeySource::Given(pem),
        SigningKey::File { path, made_when_missing } => {
            KeySource::File { file: KeyFile::new(path), create_when_missing: made_when_missing }
        }
    }
}

/// Where the API is reached from this machine.
pub(super) fn url_of(address: SocketAddr) -> String {
    let host = if address.ip().is_unspecified() { "127.0.0.1".into() } else { address.ip().to_string() };
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    format!("http://{host}:{}", address.port())
}

pub(super) fn millis(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}
