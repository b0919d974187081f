//! A seeded commercial network: distributors, wholesalers and outlets with stock.
//!
//! Everything enters the books by engine commands. Seeding again changes nothing: resellers are known by
//! their codes and stock movements by their keys, so a seeding that was cut off is simply continued.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};

use crate::domain::ids::uuid_v7;
use crate::domain::{
    Asked, ClientId, ExternalId, LevelName, Limits, OperationId, Proposal, ResellerId, Ruling, Shard, Status, Terms,
};
use crate::ledger::command::{AllocateStock, OpenReseller, Propose, Rule};
use crate::ledger::{Actor, Command, Outcome, Refusal, Registration, Request};
use crate::ports::{Clock, Ledger, LedgerError, Randomness, Registry, StoreError};

/// Shape of a network.
#[derive(Clone, Debug)]
pub struct NetworkPlan {
    pub distributors: u32,
    pub wholesalers_each: u32,
    pub outlets_each: u32,
    /// Stock that every reseller is given, in minor units; zero opens it without.
    pub stock_minor: i64,
}

impl NetworkPlan {
    /// About 500 resellers: 6 distributors with 4 wholesalers of 20 outlets, each with 100,000,000.00 or more.
    #[must_use]
    pub fn demo(exponent: u32) -> Self {
        Self { distributors: 6, wholesalers_each: 4, outlets_each: 20, stock_minor: 200_000_000 * 10_i64.pow(exponent) }
    }

    /// How many resellers it has.
    #[must_use]
    pub fn resellers(&self) -> i64 {
        let below = i64::from(self.wholesalers_each) * (1 + i64::from(self.outlets_each));
        i64::from(self.distributors) * (1 + below)
    }
}

/// A distributor with everything below it.
#[derive(Clone, Debug)]
pub struct Branch {
    pub root: ResellerId,
    pub wholesalers: Vec<ResellerId>,
    pub outlets: Vec<ResellerId>,
}

/// Why seeding ended early; it can be started again.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("the ledger declined {what}: {why}")]
    Declined { what: String, why: &'static str },
}

/// Seeds networks.
pub struct Seeder {
    pub ledger: Arc<dyn Ledger>,
    pub registry: Arc<dyn Registry>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
    pub shards: u16,
}

/// Commands under way at once.
const CONCURRENCY: usize = 256;

const REGIONS: [&str; 12] = [
    "Casablanca-Settat",
    "Rabat-Salé-Kénitra",
    "Marrakech-Safi",
    "Fès-Meknès",
    "Tanger-Tétouan-Al Hoceïma",
    "Souss-Massa",
    "L'Oriental",
    "Béni Mellal-Khénifra",
    "Drâa-Tafilalet",
    "Guelmim-Oued Noun",
    "Laâyoune-Sakia El Hamra",
    "Dakhla-Oued Ed-Dahab",
];

impl Seeder {
    /// Opens the network level by level and stocks it; `progress` counts finished resellers.
    ///
    /// # Errors
    /// [`SeedError`]; what was done until then stays and is not done again.
    pub async fn seed(&self, plan: &NetworkPlan, progress: &mut dyn FnMut(u64)) -> Result<Vec<Branch>, SeedError> {
        if plan.stock_minor > 0 {
            self.issue(plan).await?;
        }
        let tops = (1..=plan.distributors).map(|d| {
            let region = REGIONS[(d as usize - 1) % REGIONS.len()];
            (format!("D{d:02}"), format!("Distributeur {region}"), None)
        });
        let roots = self.open_level(level("distributor"), tops.collect(), plan, progress).await?;
        let middles = roots.iter().zip(1_u32..).flat_map(|(root, d)| {
            (1..=plan.wholesalers_each)
                .map(move |w| (format!("D{d:02}-W{w:02}"), format!("Grossiste {w} du secteur {d}"), Some(*root)))
        });
        let wholesalers = self.open_level(level("wholesaler"), middles.collect(), plan, progress).await?;
        let leaves = wholesalers.iter().enumerate().flat_map(|(index, wholesaler)| {
            let (d, w) = (index / plan.wholesalers_each as usize + 1, index % plan.wholesalers_each as usize + 1);
            (1..=plan.outlets_each).map(move |o| {
                (format!("D{d:02}-W{w:02}-O{o:03}"), format!("Téléboutique {d}-{w}-{o}"), Some(*wholesaler))
            })
        });
        let outlets = self.open_level(level("outlet"), leaves.collect(), plan, progress).await?;
        let (per_branch, per_wholesaler) = (plan.wholesalers_each as usize, plan.outlets_each as usize);
        let branches = roots.iter().enumerate().map(|(index, root)| Branch {
            root: *root,
            wholesalers: wholesalers[index * per_branch..(index + 1) * per_branch].to_vec(),
            outlets: outlets[index * per_branch * per_wholesaler..(index + 1) * per_branch * per_wholesaler].to_vec(),
        });
        Ok(branches.collect())
    }

    /// Opens and stocks the resellers of one level, in order of the list.
    async fn open_level(
        &self,
        level: LevelName,
        places: Vec<(String, String, Option<ResellerId>)>,
        plan: &NetworkPlan,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Vec<ResellerId>, SeedError> {
        let mut opened = futures::stream::iter(places)
            .map(|(code, name, parent)| self.open(code, name, level, parent, plan.stock_minor))
            .buffered(CONCURRENCY);
        let mut ids = Vec::new();
        while let Some(id) = opened.try_next().await? {
            ids.push(id);
            progress(1);
        }
        Ok(ids)
    }

    async fn open(
        &self,
        code: String,
        name: String,
        level: LevelName,
        parent: Option<ResellerId>,
        stock_minor: i64,
    ) -> Result<ResellerId, SeedError> {
        let known = self.registry.reseller_by_code(&code).await?.map(|registration| registration.id);
        let id = known.unwrap_or_else(|| ResellerId::from_uuid(self.draw(Shard::OPERATOR)));
        if known.is_none() {
            let created_at = self.clock.now();
            let registration = Registration { id, code: code.clone(), name, level, parent, created_at };
            let open = OpenReseller { registration, limits: Limits::default(), credit_limit_minor: 0 };
            match self.execute(Request::OpenReseller(open)).await {
                Ok(_) | Err(LedgerError::Refused(Refusal::ResellerExists)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if stock_minor == 0 {
            return Ok(id);
        }
        let what = format!("seed-stock-{code}");
        let operation = OperationId::from_uuid(self.draw(Shard::OPERATOR));
        let allocate = AllocateStock {
            operation,
            external_id: key(&what),
            to: id,
            asked: Asked::Exactly(stock_minor),
            terms: Terms::Consignment,
            reason: "the seeded network".parse().expect("it is short"),
            run: None,
        };
        self.book(what, Request::AllocateStock(allocate)).await?;
        Ok(id)
    }

    /// Issues what the plan allocates. A wider plan over an older network issues under another key.
    async fn issue(&self, plan: &NetworkPlan) -> Result<(), SeedError> {
        self.issue_more(plan.resellers() * plan.stock_minor).await
    }

    /// Issues so much, once for each amount.
    ///
    /// # Errors
    /// [`SeedError`].
    pub async fn issue_more(&self, amount_minor: i64) -> Result<(), SeedError> {
        let what = format!("seed-issue-{amount_minor}");
        let operation = OperationId::from_uuid(self.draw(Shard::OPERATOR));
        let text = "the seeded network";
        let propose = Propose {
            operation,
            external_id: key(&what),
            proposal: Proposal::Issue,
            amount_minor,
            maker: ClientId::from_uuid(uuid::Uuid::nil()),
            reason: text.parse().expect("it is short"),
            document: text.parse().expect("it is short"),
        };
        let outcome = self.execute(Request::Propose(propose)).await?;
        let Some(operation) = outcome.operation().map(|operation| operation.id) else { return Ok(()) };
        let rule = Rule {
            operation,
            reseller: None,
            resolution: None,
            statement: None,
            checker: ClientId::from_uuid(uuid::Uuid::max()),
            ruling: Ruling::Approve,
            reason: text.parse().expect("it is short"),
        };
        self.book(what, Request::Rule(rule)).await
    }

    async fn book(&self, what: String, request: Request) -> Result<(), SeedError> {
        match self.execute(request).await? {
            Outcome::Decided(operation) | Outcome::Replayed(operation) | Outcome::Unchanged(operation) => {
                match operation.decline.filter(|_| operation.status == Status::Declined) {
                    Some(decline) => Err(SeedError::Declined { what, why: decline.code() }),
                    None => Ok(()),
                }
            }
            Outcome::Recorded | Outcome::Put(_) | Outcome::Tried(_) => Ok(()),
        }
    }

    async fn execute(&self, request: Request) -> Result<Outcome, LedgerError> {
        let actor: Actor = "operator:seed".into();
        self.ledger.execute(Command { actor, request }).await
    }

    fn draw(&self, shard: Shard) -> uuid::Uuid {
        let mut random = [0; 10];
        self.randomness.fill(&mut random);
        uuid_v7(self.clock.now(), random, shard)
    }
}

fn level(name: &str) -> LevelName {
    name.parse().expect("the levels of the default configuration")
}

fn key(text: &str) -> ExternalId {
    text.parse().expect("seed keys are short printable ASCII")
}
