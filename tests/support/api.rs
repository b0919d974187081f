//! The whole API over books in memory, with a charging system that does what the number's last digits say.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use metrics_exporter_prometheus::PrometheusBuilder;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use taabia::charging::{ChargingSystems, Dependencies};
use taabia::domain::{ClientId, Currency, NumberingPlan, PartnerId, ResellerId, Timestamp};
use taabia::http::{Api, ApiState, Exports, Readiness};
use taabia::ledger::{Registration, Request as Order};
use taabia::ports::acquirer::CaptureMode;
use taabia::ports::{Acquirer, Client, Ledger, Randomness, Registry, Secret, StoreError};
use taabia::services::access::{
    Authenticator, AuthenticatorSettings, ClientFreshness, Clients, KeyFile, KeyRing, KeySource, NewClient,
    SecretHasher, TokenSettings, Tokens,
};
use taabia::services::business_days::BusinessDays;
use taabia::services::recharges::{RechargeConfig, RechargeDeps};
use taabia::services::statements::Boundaries;
use taabia::services::stock_watch::StockWatches;
use taabia::services::{
    Allocations, Audit, Catalogues, Certificates, Commissions, Directory, FourEyes, Limits, Network, Recharges, Scope,
    Statements, Stock, Terminals, Transfers, Users,
};
use tower::ServiceExt;

use super::charger::Charger;
use super::world::{Books, World};
use super::{ManualClock, SeededRandomness, in_memory};

pub const ISSUER: &str = "https://taabia.example";

/// A registry that can be out of reach.
pub struct Reachable {
    inner: Arc<dyn Registry>,
    pub down: AtomicBool,
}

impl Reachable {
    fn inner(&self) -> Result<&dyn Registry, StoreError> {
        if self.down.load(Ordering::SeqCst) { Err(StoreError::Unavailable("test".into())) } else { Ok(&*self.inner) }
    }
}

#[async_trait]
impl Registry for Reachable {
    async fn reseller(&self, id: ResellerId) -> Result<Option<Registration>, StoreError> {
        self.inner()?.reseller(id).await
    }

    async fn reseller_by_code(&self, code: &str) -> Result<Option<Registration>, StoreError> {
        self.inner()?.reseller_by_code(code).await
    }

    async fn ancestors(&self, id: ResellerId) -> Result<Vec<ResellerId>, StoreError> {
        self.inner()?.ancestors(id).await
    }

    async fn subtree(
        &self,
        roots: &[ResellerId],
        after: Option<ResellerId>,
        limit: u32,
    ) -> Result<Vec<Registration>, StoreError> {
        self.inner()?.subtree(roots, after, limit).await
    }

    async fn client(&self, id: ClientId) -> Result<Option<Client>, StoreError> {
        self.inner()?.client(id).await
    }

    async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        self.inner()?.clients().await
    }

    async fn add_client(&self, client: &Client, partner_name: &str) -> Result<(), StoreError> {
        self.inner()?.add_client(client, partner_name).await
    }

    async fn rotate_secret(&self, id: ClientId, secret: &Secret, end: Timestamp) -> Result<(), StoreError> {
        self.inner()?.rotate_secret(id, secret, end).await
    }

    async fn revoke_client(&self, id: ClientId, at: Timestamp) -> Result<(), StoreError> {
        self.inner()?.revoke_client(id, at).await
    }
}

/// Who may get in, and how.
pub struct Access {
    pub clock: Arc<ManualClock>,
    pub registry: Arc<Reachable>,
    pub clients: Clients,
    pub tokens: Arc<Tokens>,
    pub keys: Arc<KeyRing>,
    pub key_file: KeyFile,
    pub authenticator: Arc<Authenticator>,
    pub directory: tempfile::TempDir,
}

pub const FRESHNESS: ClientFreshness = ClientFreshness {
    refresh_after: Duration::from_millis(20),
    usable_for: Duration::from_millis(400),
    answer_within: Duration::from_millis(200),
};

impl Access {
    pub fn new(books: &super::world::Books, ledger: Arc<dyn Ledger>, clock: Arc<ManualClock>) -> Self {
        let registry = books.registry.clone();
        let directory = tempfile::tempdir().unwrap();
        let randomness = Arc::new(SeededRandomness::new(3));
        let registry = Arc::new(Reachable { inner: registry, down: AtomicBool::new(false) });
        let hasher = Arc::new(SecretHasher::new(randomness.clone(), 2, 64).unwrap());
        let key_file = KeyFile::new(directory.path().join("signing-key.pem"));
        let source = KeySource::File { file: key_file.clone(), create_when_missing: true };
        let keys = Arc::new(KeyRing::open(source, clock.clone(), &*randomness).unwrap());
        let settings = TokenSettings::for_installation(ISSUER);
        let limits = AuthenticatorSettings { remembered_tokens: 100, freshness: FRESHNESS };
        Self {
            authenticator: Arc::new(Authenticator::new(
                registry.clone(),
                keys.clone(),
                clock.clone(),
                &settings,
                limits,
            )),
            clients: Clients {
                registry: registry.clone(),
                ledger,
                reads: books.store.clone(),
                actor: "operator:test".into(),
                hasher: hasher.clone(),
                clock: clock.clone(),
                randomness: randomness.clone(),
                overlap_ms: 60_000,
            },
            tokens: Arc::new(Tokens {
                registry: registry.clone(),
                hasher,
                keys: keys.clone(),
                clock: clock.clone(),
                randomness,
                settings,
            }),
            clock,
            registry,
            keys,
            key_file,
            directory,
        }
    }

    /// A new client of a partner of its own.
    pub async fn client(&self, name: &str, scopes: &[Scope], roots: &[ResellerId]) -> (ClientId, SecretString) {
        let partner = PartnerId::from_uuid(uuid::Uuid::from_u128(name.bytes().map(u128::from).sum::<u128>() << 8));
        self.limited_client(name, partner, scopes, roots, None).await
    }

    /// A client by its name.
    pub async fn registry_client(&self, name: &str) -> Client {
        let clients = self.registry.clients().await.unwrap();
        clients.into_iter().find(|client| client.name == name).unwrap()
    }

    pub async fn limited_client(
        &self,
        name: &str,
        partner: PartnerId,
        scopes: &[Scope],
        roots: &[ResellerId],
        rate_limit_per_s: Option<u32>,
    ) -> (ClientId, SecretString) {
        let new = NewClient {
            name: name.into(),
            partner,
            partner_name: format!("{name}'s partner"),
            scopes: scopes.to_vec(),
            roots: roots.to_vec(),
            rate_limit_per_s,
        };
        let made = self.clients.create(new).await.unwrap();
        (made.client, made.secret)
    }

    pub async fn token(&self, client: &(ClientId, SecretString)) -> String {
        let grant = self.tokens.grant(&client.0.to_string(), client.1.clone(), None).await;
        grant.map(|grant| grant.token.expose_secret().to_owned()).map_err(|error| format!("{error:?}")).unwrap()
    }
}

/// The API, ready to be asked.
pub struct TestApi {
    pub router: Router,
    pub state: ApiState,
    pub access: Access,
    pub world: World,
    pub readiness: Readiness,
    /// With all scopes, for the reseller `root` and what is below it.
    pub token: String,
}

impl TestApi {
    /// A tree `root` → `shop-1`, `shop-2` with stock, and a `stranger` outside it.
    pub async fn new() -> Self {
        Self::with_acquirers(Vec::new()).await
    }

    /// The same with acquirers, and whether their payments are captured by us.
    pub async fn with_acquirers(acquirers: Vec<(&str, CaptureMode, Arc<dyn Acquirer>)>) -> Self {
        Self::over(in_memory(2), acquirers).await
    }

    /// The same on some store.
    pub async fn over(books: Books, acquirers: Vec<(&str, CaptureMode, Arc<dyn Acquirer>)>) -> Self {
        let world = World::new(books).await;
        world.reseller("root", 0).await;
        for shop in ["shop-1", "shop-2"] {
            let Order::OpenReseller(mut open) = world.open(shop) else { unreachable!("it opens a reseller") };
            open.registration.parent = Some(world.id("root"));
            world.must(Order::OpenReseller(open)).await;
            world.must(world.allocate(&format!("stock-{shop}"), shop, 200_000)).await;
        }
        world.reseller("stranger", 200_000).await;

        let access = Access::new(&world.books, world.nodes[0].clone(), world.clock.clone());
        let client = access.client("atm", &Scope::ALL, &[world.id("root")]).await;
        let token = access.token(&client).await;
        let readiness = Readiness::default();
        let state = Arc::new(wire(&world, &access, readiness.clone(), acquirers));
        let router = taabia::http::router(state.clone());
        Self { router, state, access, world, readiness, token }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 10_000_000).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path).body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        let request = self.request("POST", path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }

    pub fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let bearer = format!("Bearer {}", self.token);
        Request::builder().method(method).uri(path).header(header::AUTHORIZATION, bearer)
    }

    /// A good request of a recharge from `shop-1`, to be spoiled.
    pub fn recharge(&self, external_id: &str) -> Value {
        serde_json::json!({
            "external_id": external_id, "reseller_id": self.world.id("shop-1").to_string(),
            "msisdn": "+212612345678", "amount": "20.00", "currency": "MAD", "product": "airtime",
            "channel": "atm", "terminal_id": "ATM-0007"
        })
    }
}

fn transfers(world: &World, directory: Arc<Directory>) -> Transfers {
    Transfers {
        ledger: world.nodes[0].clone(),
        reads: world.books.store.clone(),
        lists: world.books.store.clone(),
        directory,
        clock: world.clock.clone(),
        randomness: Arc::new(SeededRandomness::new(7)),
        edges: super::script::rules().edges,
    }
}

fn allocations(world: &World, access: &Access, directory: Arc<Directory>) -> Allocations {
    Allocations {
        ledger: world.nodes[0].clone(),
        reads: world.books.store.clone(),
        stock: world.books.stock.clone(),
        registry: access.registry.clone(),
        directory,
        clock: world.clock.clone(),
        randomness: Arc::new(SeededRandomness::new(8)),
        own: Arc::default(),
    }
}

fn terminals(world: &World, directory: Arc<Directory>) -> Terminals {
    Terminals { directory, ledger: world.nodes[0].clone(), reads: world.books.store.clone() }
}

fn users(world: &World, directory: Arc<Directory>) -> Users {
    let randomness = Arc::new(SeededRandomness::new(9));
    Users {
        directory,
        ledger: world.nodes[0].clone(),
        reads: world.books.store.clone(),
        pins: Arc::new(SecretHasher::new(randomness.clone(), 2, 64).unwrap()),
        clock: world.clock.clone(),
        randomness,
    }
}

fn four_eyes(world: &World, directory: Arc<Directory>) -> FourEyes {
    FourEyes {
        ledger: world.nodes[0].clone(),
        reads: world.books.store.clone(),
        directory,
        clock: world.clock.clone(),
        randomness: Arc::new(SeededRandomness::new(6)),
    }
}

fn charging(world: &World) -> Arc<ChargingSystems> {
    Arc::new(ChargingSystems::of(Arc::new(Charger), &Dependencies { clock: world.clock.clone() }))
}

fn business_days(world: &World) -> BusinessDays {
    BusinessDays {
        ledger: world.nodes[0].clone(),
        reads: world.books.store.clone(),
        movements: world.books.movements.clone(),
        clock: world.clock.clone(),
        calendar: super::script::rules().calendar,
        shards: world.books.store.shards(),
    }
}

fn wire(
    world: &World,
    access: &Access,
    readiness: Readiness,
    acquirers: Vec<(&str, CaptureMode, Arc<dyn Acquirer>)>,
) -> Api {
    let store = world.books.store.clone();
    let randomness: Arc<dyn Randomness> = Arc::new(SeededRandomness::new(5));
    let directory = Arc::new(Directory::new(access.registry.clone(), store.shards()));
    let charging = charging(world);
    let deps = RechargeDeps {
        ledger: world.nodes[0].clone(),
        reads: store.clone(),
        charging: charging.clone(),
        directory: directory.clone(),
        clock: world.clock.clone(),
        randomness: randomness.clone(),
    };
    let config = RechargeConfig {
        answer_within_ms: 300,
        evidence: taabia::ledger::evidence::EvidenceRules::default(),
        max_outstanding: 1_000,
        currency: Currency::MAD,
    };
    let recharges = Arc::new(Recharges::new(deps, config));
    let catalogues = Arc::new(Catalogues::new(store.clone(), &super::script::rules()));
    let (sold, reads) = (recharges.clone(), store.clone());
    let commissions =
        Commissions { recharges: sold, catalogues: catalogues.clone(), directory: directory.clone(), reads };
    let statements = Arc::new(Statements {
        directory: directory.clone(),
        reads: store.clone(),
        movements: world.books.movements.clone(),
        clock: world.clock.clone(),
        calendar: super::script::rules().calendar,
        boundaries: Boundaries::default(),
    });
    let webhooks = Arc::new(super::webhooks::webhooks(world, super::webhooks::sender()));
    Api {
        care: Arc::new(super::care::care(world, recharges.clone(), (webhooks.clone(), directory.clone()))),
        gate: world.nodes[0].gate().clone(),
        certificates: Arc::new(Certificates { recharges: recharges.clone(), audit: world.books.audit.clone() }),
        recharges,
        reversals: Arc::new(super::reversals::reversals(world, charging.clone(), directory.clone())),
        charging,
        network: Arc::new(Network {
            directory: directory.clone(),
            ledger: world.nodes[0].clone(),
            reads: world.books.network.clone(),
            clock: world.clock.clone(),
            randomness: randomness.clone(),
        }),
        terminals: Arc::new(terminals(world, directory.clone())),
        limits: Arc::new(Limits {
            ledger: world.nodes[0].clone(),
            reads: store.clone(),
            directory: directory.clone(),
            clock: world.clock.clone(),
        }),
        settlements: Arc::new(super::topups::settlements_of_bank(world)),
        reconciliation: Arc::new(taabia::services::Reconciliation {
            reads: world.books.store.clone(),
            topups: world.books.topups.clone(),
            calendar: super::script::rules().calendar,
        }),
        topups: super::topups::with_acquirers(world, &directory, acquirers),
        transfers: Arc::new(transfers(world, directory.clone())),
        catalogues,
        commissions: Arc::new(commissions),
        clock: world.clock.clone(),
        stock: Arc::new(Stock { directory: directory.clone(), reads: store.clone(), clock: world.clock.clone() }),
        audit: Arc::new(Audit { directory: directory.clone(), reads: store.clone() }),
        users: Arc::new(users(world, directory.clone())),
        webhooks,
        allocations: Arc::new(allocations(world, access, directory.clone())),
        four_eyes: Arc::new(four_eyes(world, directory.clone())),
        business_days: business_days(world),
        stock_watches: StockWatches {
            ledger: world.nodes[0].clone(),
            reads: store.clone(),
            directory: directory.clone(),
            statements: statements.clone(),
        },
        statements,
        exports: Exports {
            folder: std::path::PathBuf::from(access.directory.path()),
            places: Arc::new(tokio::sync::Semaphore::new(2)),
        },
        directory,
        reads: store,
        tokens: access.tokens.clone(),
        authenticator: access.authenticator.clone(),
        randomness,
        currency: Currency::MAD,
        numbering: NumberingPlan::morocco(),
        metrics: PrometheusBuilder::new().build_recorder().handle(),
        readiness,
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: impl axum::http::header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A problem of the contract's shape with this status and code; its pointers.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Vec<String> {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header(header::CONTENT_TYPE), "application/problem+json", "{}", self.text());
        let body = self.json();
        assert_eq!((&body["code"], &body["status"]), (&code.into(), &status.into()), "{body}");
        assert_eq!(body["type"], format!("urn:taabia:problem:{code}"));
        assert_eq!(body["trace_id"].as_str().unwrap().len(), 32, "{body}");
        for field in ["title", "detail", "retry"] {
            assert!(body[field].is_string(), "{field} of {body}");
        }
        let errors = body["errors"].as_array().unwrap();
        errors
            .iter()
            .map(|error| format!("{} {}", error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
            .collect()
    }
}
