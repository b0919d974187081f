//! A small business over one store: resellers by name, recharges, and what they leave in the books.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use taabia::domain::ids::uuid_v7;
use taabia::domain::records::{Bounds, LimitChange, PinHash, PinPolicy, User};
use taabia::domain::{
    Account, Asked, Channel, ClientId, Content, Decline, ExternalId, LimitRaise, Limits, NumberingPlan, Operation,
    OperationId, PartnerId, Proposal, RecordKey, RecordKind, ResellerId, Ruling, Shard, Standing, Status, Terms,
};
use taabia::engine::{Engine, EngineConfig};
use taabia::ledger::command::{
    AllocateStock, OpenReseller, Propose, PutRecord, Reserve, Resolve, Rule, SetLimits, SetStanding, Source, Void,
};
use taabia::ledger::{Command, Evidence, Outcome, Registration, Request};
use taabia::ports::{
    AuditReader, CareReads, CaseStore, Clock, Ledger, LedgerError, Movements, NetworkReads, NotificationLog,
    Randomness, Registry, SettlementReads, StockReads, Store, TopupReads, WebhookOutbox,
};

use super::script::rules;
use super::{ManualClock, SeededRandomness};

/// Books on some store.
#[derive(Clone)]
pub struct Books {
    pub store: Arc<dyn Store>,
    pub registry: Arc<dyn Registry>,
    pub network: Arc<dyn NetworkReads>,
    pub audit: Arc<dyn AuditReader>,
    pub stock: Arc<dyn StockReads>,
    pub movements: Arc<dyn Movements>,
    pub topups: Arc<dyn TopupReads>,
    pub notifications: Arc<dyn NotificationLog>,
    pub settlement: Arc<dyn SettlementReads>,
    pub webhooks: Arc<dyn WebhookOutbox>,
    pub care: Arc<dyn CareReads>,
    pub cases: Arc<dyn CaseStore>,
}

impl From<taabia::storage::Storage> for Books {
    fn from(storage: taabia::storage::Storage) -> Self {
        Self {
            store: storage.store,
            registry: storage.registry,
            network: storage.network,
            audit: storage.audit,
            stock: storage.stock,
            movements: storage.movements,
            topups: storage.topups,
            notifications: storage.notifications,
            settlement: storage.settlement,
            webhooks: storage.webhooks,
            care: storage.care,
            cases: storage.cases,
        }
    }
}

pub type Done = Result<Outcome, LedgerError>;

/// Resellers, engines and a clock.
pub struct World {
    pub books: Books,
    /// The first is the one that everything goes to unless a test says otherwise.
    pub nodes: Vec<Arc<Engine>>,
    pub clock: Arc<ManualClock>,
    randomness: SeededRandomness,
    names: Mutex<HashMap<String, ResellerId>>,
    pub partner: PartnerId,
}

impl World {
    pub async fn new(books: Books) -> Self {
        Self::with(books, EngineConfig::default()).await
    }

    pub async fn with(books: Books, config: EngineConfig) -> Self {
        let clock = Arc::new(ManualClock::at("2026-11-22T08:00:00Z"));
        let world = Self {
            nodes: Vec::new(),
            clock,
            randomness: SeededRandomness::new(11),
            names: Mutex::default(),
            partner: PartnerId::from_uuid(uuid::Uuid::from_u128(1)),
            books,
        }
        .node(&config);
        world.issue("opening", 1_000_000_000_000).await;
        world
    }

    /// One more engine on the same books.
    #[must_use]
    pub fn node(mut self, config: &EngineConfig) -> Self {
        let node = Engine::start(self.books.store.clone(), self.clock.clone(), Arc::new(rules()), config);
        self.nodes.push(node);
        self
    }

    pub fn draw(&self, shard: Shard) -> OperationId {
        let mut random = [0; 10];
        self.randomness.fill(&mut random);
        OperationId::from_uuid(uuid_v7(self.clock.now(), random, shard))
    }

    pub fn id(&self, name: &str) -> ResellerId {
        let mut names = self.names.lock().unwrap();
        *names.entry(name.to_owned()).or_insert_with(|| ResellerId::from_uuid(self.draw(Shard::OPERATOR).uuid()))
    }

    pub fn shard(&self, name: &str) -> Shard {
        Shard::of(self.id(name).uuid(), self.books.store.shards())
    }

    /// A new name whose reseller falls into `shard`.
    pub fn name_in(&self, shard: Shard) -> String {
        (0..10_000).map(|n| format!("R{shard}-{n}")).find(|name| self.shard(name) == shard).unwrap()
    }

    pub async fn execute(&self, request: Request) -> Done {
        self.nodes[0].execute(command(request)).await
    }

    pub async fn must(&self, request: Request) -> Outcome {
        self.execute(request).await.unwrap()
    }

    pub fn open(&self, name: &str) -> Request {
        Request::OpenReseller(OpenReseller {
            registration: Registration {
                id: self.id(name),
                code: name.into(),
                name: format!("Reseller {name}"),
                level: "outlet".parse().unwrap(),
                parent: None,
                created_at: self.clock.now(),
            },
            limits: Limits::default(),
            credit_limit_minor: 0,
        })
    }

    /// Issues stock by two persons.
    pub async fn issue(&self, key: &str, amount_minor: i64) -> Arc<Operation> {
        let proposed = self.must(self.propose(key, Proposal::Issue, amount_minor)).await;
        let operation = proposed.operation().unwrap();
        self.must(Self::rule(operation, CHECKER, Ruling::Approve)).await.operation().unwrap().clone()
    }

    pub fn propose(&self, key: &str, proposal: Proposal, amount_minor: i64) -> Request {
        Request::Propose(Propose {
            operation: self.draw(Shard::OPERATOR),
            external_id: external_id(key),
            proposal,
            amount_minor,
            maker: MAKER,
            reason: "because".parse().unwrap(),
            document: "PO-1".parse().unwrap(),
        })
    }

    pub fn rule(operation: &Operation, checker: ClientId, ruling: Ruling) -> Request {
        Request::Rule(Rule {
            operation: operation.id,
            reseller: operation.four_eyes().unwrap().proposal.reseller(),
            resolution: operation.four_eyes().unwrap().proposal.resolution().cloned().map(Box::new),
            statement: operation.four_eyes().unwrap().proposal.statement().copied(),
            checker,
            ruling,
            reason: "agreed".parse().unwrap(),
        })
    }

    /// Limits of a reseller in all, at once.
    pub fn change(&self, name: &str, bounds: Bounds) -> LimitChange {
        LimitChange { reseller: self.id(name), effective_from: None, terminal: None, bounds, credit_limit_minor: None }
    }

    pub fn propose_raise(&self, key: &str, change: LimitChange) -> Request {
        self.propose(key, Proposal::LimitRaise(Box::new(LimitRaise { change, version: 0 })), 0)
    }

    /// Raises limits by two persons.
    pub async fn raise(&self, key: &str, change: LimitChange) -> Arc<Operation> {
        let proposed = self.must(self.propose_raise(key, change)).await;
        let operation = proposed.operation().unwrap();
        let decided = self.must(Self::rule(operation, CHECKER, Ruling::Approve)).await.operation().unwrap().clone();
        assert_eq!((decided.status, decided.decline), (Status::Approved, None));
        decided
    }

    pub fn allocate(&self, key: &str, to: &str, amount_minor: i64) -> Request {
        let (operation, to) = (self.draw(Shard::OPERATOR), self.id(to));
        Request::AllocateStock(AllocateStock {
            operation,
            external_id: external_id(key),
            to,
            asked: Asked::Exactly(amount_minor),
            terms: Terms::Consignment,
            reason: "stock".parse().unwrap(),
            run: None,
        })
    }

    /// A reseller with stock.
    pub async fn reseller(&self, name: &str, stock_minor: i64) {
        self.must(self.open(name)).await;
        if stock_minor > 0 {
            self.must(self.allocate(&format!("stock-{name}"), name, stock_minor)).await;
        }
    }

    pub fn reserve(&self, name: &str, key: &str, amount_minor: i64) -> Reserve {
        Reserve {
            operation: self.draw(self.shard(name)),
            partner: self.partner,
            reseller: self.id(name),
            external_id: external_id(key),
            msisdn: NumberingPlan::morocco().parse("+212612345678").unwrap(),
            salt: [7; 16],
            amount_minor,
            product: "airtime".into(),
            channel: Channel::Atm,
            terminal: None,
            allow_repeat: true,
            system: taabia::domain::SystemName::MAIN,
        }
    }

    pub async fn recharge(&self, name: &str, key: &str, amount_minor: i64) -> Arc<Operation> {
        self.must(Request::Reserve(self.reserve(name, key, amount_minor))).await.operation().unwrap().clone()
    }

    pub fn resolve(operation: OperationId, evidence: Evidence) -> Request {
        Request::Resolve(Resolve { operation, evidence, source: Source::answer(taabia::domain::Timestamp::EPOCH) })
    }

    pub fn void(&self, name: &str, key: &str) -> Request {
        let (operation, reseller) = (self.draw(self.shard(name)), self.id(name));
        Request::Void(Void { operation, partner: self.partner, reseller, external_id: external_id(key) })
    }

    pub fn limits(&self, name: &str, limits: Limits) -> Request {
        Request::SetLimits(SetLimits { reseller: self.id(name), limits, credit_limit_minor: 0 })
    }

    pub fn standing(&self, name: &str, standing: Standing) -> Request {
        Request::SetStanding(SetStanding { reseller: self.id(name), standing, if_version: None })
    }

    /// Puts a record of the reseller, or of the installation.
    pub fn put(&self, name: Option<&str>, number: u32, expected: Option<i64>) -> Request {
        let (key, content) = record(name.map(|name| self.id(name)), number);
        Request::PutRecord(PutRecord { key, expected, content })
    }

    pub async fn stock(&self, name: &str) -> Account {
        self.books.store.stock(self.shard(name), self.id(name)).await.unwrap().unwrap()
    }

    /// Ends the engines; the books must stand.
    pub async fn close(self) {
        for node in &self.nodes {
            node.close().await;
        }
        super::must_verify(&*self.books.audit).await;
    }
}

/// The key of a record and a body that `number` tells from others: a user where there is an owner, else the policy,
/// which has a copy in every shard.
pub fn record(owner: Option<ResellerId>, number: u32) -> (RecordKey, Content) {
    let id = "default".parse().unwrap();
    match owner {
        None => {
            let policy = PinPolicy { attempts: number, ..PinPolicy::default() };
            (RecordKey::of_operator(RecordKind::PinPolicy, id), policy.into())
        }
        Some(owner) => {
            let (name, pin_secret) = (format!("Amine \"تعبئة\" {number}"), PinHash("$argon2id$".into()));
            let user = User { locked_until_ms: Some(i64::MAX), ..User::new(name, pin_secret) };
            (RecordKey::of_reseller(RecordKind::User, owner, id), user.into())
        }
    }
}

pub fn command(request: Request) -> Command {
    Command { actor: "test".into(), request }
}

pub fn external_id(key: &str) -> ExternalId {
    key.parse().unwrap()
}

/// Who proposes, and who decides.
pub const MAKER: ClientId = ClientId::from_uuid(uuid::Uuid::from_u128(10));
pub const CHECKER: ClientId = ClientId::from_uuid(uuid::Uuid::from_u128(11));

pub const RELEASE: Evidence = Evidence::NotApplied(Decline::ChargingDeclined);
