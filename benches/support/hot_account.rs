//! What the operator's account costs that every recharge is credited to: the same load on the same store,
//! in turns with and without the update of system accounts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use taabia::cli::node::start_engine;
use taabia::domain::encoding::Hash;
use taabia::domain::{
    Account, AccountNumber, ExternalId, Operation, OperationId, PartnerId, Record, RecordKey, Reseller, ResellerId,
    Shard, Timestamp,
};
use taabia::ledger::{Changes, Head};
use taabia::ports::{
    Claim, Loaded, PartyQuery, Reads, RechargeQuery, RecordQuery, RecordedAction, RecordedEvidence, Session, ShardKey,
    StaffActionQuery, Store, StoreError, TransferReads, Wants,
};
use taabia::simulator::network::NetworkPlan;
use taabia::storage::Storage;
use tokio::time::sleep;

use super::arguments::Arguments;
use super::engine::MANY;
use super::load::Load;
use super::{Result, installation, report};

/// Turns with and turns without.
const TURNS: u32 = 12;

pub async fn measure(arguments: &Arguments) -> Result<()> {
    let shards: u16 = arguments.number("shards")?;
    let url = installation::postgres_database(arguments.postgres()?, "bench_hot").await?;
    let config = installation::config(&[])?;
    let mut storage = installation::install(&url, shards, &config).await?;
    let stripping = Arc::new(AtomicBool::new(false));
    storage.store = Arc::new(StrippingStore { store: storage.store.clone(), stripping: stripping.clone() });
    let (with, without) = in_turns(&storage, &stripping, arguments.duration()?).await?;
    report(&format!("hot_{shards}.per_s"), with);
    report(&format!("hot_{shards}.without_per_s"), without);
    report(&format!("hot_{shards}.cost_percent"), (without - with) / without * 100.0);
    installation::drop_postgres_database(arguments.postgres()?, "bench_hot").await
}

/// Medians with the account's update and without it, each measured for `during` in short turns, so that
/// whatever else slows the machine down slows both.
async fn in_turns(storage: &Storage, stripping: &AtomicBool, during: Duration) -> Result<(f64, f64)> {
    let config = installation::config(&[])?;
    let engine = start_engine(&config, storage);
    let plan = NetworkPlan::demo(storage.currency.exponent());
    let outlets = installation::seed(&plan, engine.clone(), storage.registry.clone(), &*storage.store).await?;
    let load = Load::start(engine.clone(), storage.store.shards(), outlets, MANY);
    let turn = during / TURNS;
    sleep(during / 4).await;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for number in 0..2 * TURNS {
        // With, without, without, with, …: a steady drift favours neither.
        let strip = matches!(number % 4, 1 | 2);
        stripping.store(strip, Ordering::Relaxed);
        sleep(turn / 5).await;
        let per_second = load.per_second(turn).await;
        if strip { without.push(per_second) } else { with.push(per_second) }
    }
    stripping.store(false, Ordering::Relaxed);
    load.end().await?;
    engine.close().await;
    Ok((median(with), median(without)))
}

pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    let (low, high) = (figures.get(figures.len().saturating_sub(1) / 2), figures.get(figures.len() / 2));
    low.zip(high).map_or(f64::NAN, |(low, high)| f64::midpoint(*low, *high))
}

/// A store whose sessions leave system accounts unwritten while `stripping` is set.
struct StrippingStore {
    store: Arc<dyn Store>,
    stripping: Arc<AtomicBool>,
}

struct StrippingSession {
    session: Box<dyn Session>,
    stripping: Arc<AtomicBool>,
}

#[async_trait]
impl TransferReads for StrippingStore {
    async fn transfers(&self, query: &PartyQuery) -> std::result::Result<Vec<Operation>, StoreError> {
        self.store.transfers(query).await
    }

    async fn overdue_transfers(
        &self,
        due_by: Timestamp,
        limit: u32,
    ) -> std::result::Result<Vec<Operation>, StoreError> {
        self.store.overdue_transfers(due_by, limit).await
    }
}

#[async_trait]
impl Store for StrippingStore {
    fn dialect(&self) -> &'static str {
        self.store.dialect()
    }

    fn shards(&self) -> u16 {
        self.store.shards()
    }

    fn max_posters(&self) -> usize {
        self.store.max_posters()
    }

    async fn session(&self) -> std::result::Result<Box<dyn Session>, StoreError> {
        let session = self.store.session().await?;
        Ok(Box::new(StrippingSession { session, stripping: self.stripping.clone() }))
    }
}

#[async_trait]
impl Session for StrippingSession {
    async fn lock(&mut self, shards: &[Shard]) -> std::result::Result<Vec<Head>, StoreError> {
        self.session.lock(shards).await
    }

    async fn load(&mut self, wants: &Wants) -> std::result::Result<Loaded, StoreError> {
        self.session.load(wants).await
    }

    async fn holders(&mut self, keys: &[ShardKey]) -> std::result::Result<Vec<Claim>, StoreError> {
        self.session.holders(keys).await
    }

    async fn persist(&mut self, changes: &[Changes]) -> std::result::Result<(), StoreError> {
        // Copied in both cases, so that the copy is not what is measured.
        let mut changes = changes.to_vec();
        if self.stripping.load(Ordering::Relaxed) {
            for changes in &mut changes {
                changes.updated_accounts.retain(|account| account.number >= AccountNumber::FIRST_OWN);
            }
        }
        self.session.persist(&changes).await
    }

    async fn commit(&mut self) -> std::result::Result<(), StoreError> {
        self.session.commit().await
    }

    async fn rollback(&mut self) -> std::result::Result<(), StoreError> {
        self.session.rollback().await
    }

    async fn leaf(&mut self, shard: Shard, sequence: i64) -> std::result::Result<Option<Hash>, StoreError> {
        self.session.leaf(shard, sequence).await
    }
}

#[async_trait]
impl Reads for StrippingStore {
    async fn operation(&self, id: OperationId) -> std::result::Result<Option<Operation>, StoreError> {
        self.store.operation(id).await
    }

    async fn operation_by_key(
        &self,
        shard: Shard,
        partner: PartnerId,
        reseller: ResellerId,
        external_id: &ExternalId,
    ) -> std::result::Result<Option<Operation>, StoreError> {
        self.store.operation_by_key(shard, partner, reseller, external_id).await
    }

    async fn recharges(&self, query: &RechargeQuery) -> std::result::Result<Vec<Operation>, StoreError> {
        self.store.recharges(query).await
    }

    async fn reseller_state(
        &self,
        shard: Shard,
        reseller: ResellerId,
    ) -> std::result::Result<Option<Reseller>, StoreError> {
        self.store.reseller_state(shard, reseller).await
    }

    async fn stock(&self, shard: Shard, reseller: ResellerId) -> std::result::Result<Option<Account>, StoreError> {
        self.store.stock(shard, reseller).await
    }

    async fn due(
        &self,
        due_by: Timestamp,
        after: Option<(Timestamp, OperationId)>,
        limit: u32,
    ) -> std::result::Result<Vec<Operation>, StoreError> {
        self.store.due(due_by, after, limit).await
    }

    async fn doubt(&self, due_by: Timestamp) -> std::result::Result<(i64, Option<Timestamp>), StoreError> {
        self.store.doubt(due_by).await
    }

    async fn accrued(
        &self,
        shard: Shard,
        after: AccountNumber,
        limit: u32,
    ) -> std::result::Result<Vec<Account>, StoreError> {
        self.store.accrued(shard, after, limit).await
    }

    async fn account(&self, shard: Shard, number: AccountNumber) -> std::result::Result<Option<Account>, StoreError> {
        self.store.account(shard, number).await
    }

    async fn record(&self, shard: Shard, key: &RecordKey) -> std::result::Result<Option<Record>, StoreError> {
        self.store.record(shard, key).await
    }

    async fn records(&self, query: &RecordQuery) -> std::result::Result<Vec<Record>, StoreError> {
        self.store.records(query).await
    }

    async fn statements(&self, recharges: &[OperationId]) -> std::result::Result<Vec<OperationId>, StoreError> {
        self.store.statements(recharges).await
    }

    async fn contradicted(
        &self,
        after: Option<OperationId>,
        limit: u32,
    ) -> std::result::Result<Vec<OperationId>, StoreError> {
        self.store.contradicted(after, limit).await
    }

    async fn evidence(&self, operations: &[OperationId]) -> std::result::Result<Vec<RecordedEvidence>, StoreError> {
        self.store.evidence(operations).await
    }

    async fn staff_actions(&self, query: &StaffActionQuery) -> std::result::Result<Vec<RecordedAction>, StoreError> {
        self.store.staff_actions(query).await
    }

    async fn check(&self) -> std::result::Result<(), StoreError> {
        self.store.check().await
    }
}
