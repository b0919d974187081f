//! A client with endpoints for events over some books, the job that sends, and a receiver that answers as it is told.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use taabia::domain::records::StockAlert;
use taabia::domain::{Operation, ResellerId, Shard};
use taabia::jobs::{WebhookConfig, WebhookJob};
use taabia::notify::{AllowedAddresses, HttpNotifier, NotifierSettings};
use taabia::ports::{Notice, Notifier, Sent};
use taabia::services::access::{Clients, NewClient, SecretHasher};
use taabia::services::webhooks::{Endpoint, Messages, Representations, WebhookKey, Webhooks};
use taabia::services::{Caller, Directory, Scope};
use tokio::sync::watch;

use super::SeededRandomness;
use super::world::World;

/// What one notice was.
#[derive(Clone, Debug)]
pub struct Seen {
    pub id: String,
    pub url: String,
    pub secrets: usize,
    pub body: Value,
}

impl Seen {
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap()
    }

    /// The operation that it tells of.
    pub fn subject(&self) -> &str {
        self.body["data"]["id"].as_str().unwrap_or_default()
    }

    pub fn sequence(&self) -> i64 {
        self.body["sequence"].as_i64().unwrap()
    }
}

type Answering = Box<dyn FnMut(&Seen) -> Sent + Send>;

/// Takes notices in and answers as it is told; at first all is well.
pub struct Receiver {
    seen: Mutex<Vec<Seen>>,
    answering: Mutex<Answering>,
}

impl Receiver {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { seen: Mutex::default(), answering: Mutex::new(Box::new(|_| Ok(204))) })
    }

    pub fn answer(&self, with: impl FnMut(&Seen) -> Sent + Send + 'static) {
        *self.answering.lock().unwrap() = Box::new(with);
    }

    /// What came since this was asked last.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

#[async_trait]
impl Notifier for Receiver {
    async fn send(&self, notice: &Notice) -> Sent {
        let body = serde_json::from_str(&notice.body).unwrap();
        let seen = Seen { id: notice.id.clone(), url: notice.url.clone(), secrets: notice.secrets.len(), body };
        self.seen.lock().unwrap().push(seen.clone());
        // Others get their turn, as over a network.
        tokio::task::yield_now().await;
        (self.answering.lock().unwrap())(&seen)
    }

    fn check(&self, url: &str) -> Result<(), &'static str> {
        if url.starts_with("https://") { Ok(()) } else { Err("expected an https URL") }
    }
}

/// Ids and states are enough to tell operations apart.
pub struct Plain;

fn raw(value: &Value) -> Option<Box<RawValue>> {
    to_raw_value(value).ok()
}

#[async_trait]
impl Representations for Plain {
    async fn operation(&self, operation: &Operation) -> Option<Box<RawValue>> {
        let id = operation.kind().render(operation.id);
        raw(&serde_json::json!({ "id": id, "status": operation.status.name() }))
    }

    fn stock(&self, reseller: ResellerId, alert: &StockAlert) -> Option<Box<RawValue>> {
        raw(&serde_json::json!({ "id": reseller.to_string(), "is_low": alert.is_low }))
    }

    fn endpoint(&self, endpoint: &Endpoint) -> Option<Box<RawValue>> {
        raw(&serde_json::json!({ "id": endpoint.id.to_string(), "status": endpoint.body.state.name() }))
    }
}

pub fn key() -> Arc<WebhookKey> {
    Arc::new(WebhookKey::parse(&"5a".repeat(32).into()).unwrap())
}

/// Sends over real connections, to any address.
pub fn sender() -> Arc<dyn Notifier> {
    let settings = NotifierSettings { answer_within_ms: 2_000, addresses: AllowedAddresses::Any };
    Arc::new(HttpNotifier::new(settings).unwrap())
}

pub fn webhooks(world: &World, notifier: Arc<dyn Notifier>) -> Webhooks {
    Webhooks {
        ledger: world.nodes[0].clone(),
        reads: world.books.store.clone(),
        movements: world.books.movements.clone(),
        outbox: world.books.webhooks.clone(),
        notifier,
        key: key(),
        clock: world.clock.clone(),
        randomness: Arc::new(SeededRandomness::new(31)),
        shards: world.books.store.shards(),
        overlap_ms: 3_600_000,
    }
}

/// The job of one node.
pub fn job(
    world: &World,
    notifier: Arc<dyn Notifier>,
    representations: Arc<dyn Representations>,
    node: u128,
) -> WebhookJob {
    let registry = world.books.registry.clone();
    let shards = world.books.store.shards();
    WebhookJob {
        ledger: world.nodes[0].clone(),
        reads: world.books.store.clone(),
        movements: world.books.movements.clone(),
        outbox: world.books.webhooks.clone(),
        notifier,
        messages: Messages {
            reads: world.books.store.clone(),
            registry: registry.clone(),
            directory: Arc::new(Directory::new(registry, shards)),
            representations,
        },
        key: key(),
        clock: world.clock.clone(),
        randomness: Arc::new(SeededRandomness::new(32)),
        shards,
        node: uuid::Uuid::from_u128(node),
        config: WebhookConfig { poll_interval_ms: 10, log_days: 30 },
        known: taabia::jobs::webhooks::Known::default(),
    }
}

/// One look at the log.
pub async fn sweep(job: &WebhookJob) {
    let (_running, stop) = watch::channel(false);
    job.sweep(&stop).await.unwrap();
}

/// The use cases of clients, who stand on the log.
pub fn clients(world: &World) -> Clients {
    let randomness = Arc::new(SeededRandomness::new(33));
    Clients {
        registry: world.books.registry.clone(),
        ledger: world.nodes[0].clone(),
        reads: world.books.store.clone(),
        actor: "operator:test".into(),
        hasher: Arc::new(SecretHasher::new(randomness.clone(), 2, 8).unwrap()),
        clock: world.clock.clone(),
        randomness: Arc::new(SeededRandomness::new(u64::from(world.draw(Shard::OPERATOR).uuid().as_bytes()[9]))),
        overlap_ms: 60_000,
    }
}

/// A registered client with these scopes that sees these resellers and what is below them.
pub async fn client(world: &World, name: &str, scopes: &[Scope], roots: &[&str]) -> Caller {
    let roots: Vec<ResellerId> = roots.iter().map(|root| world.id(root)).collect();
    let new = NewClient {
        name: name.into(),
        partner: world.partner,
        partner_name: "Partner".into(),
        scopes: scopes.to_vec(),
        roots: roots.clone(),
        rate_limit_per_s: None,
    };
    let made = clients(world).create(new).await.unwrap();
    Caller {
        client: made.client,
        partner: world.partner,
        name: name.into(),
        scopes: scopes.into(),
        roots: roots.into(),
        rate_limit_per_s: None,
        address: None,
        request: None,
    }
}
