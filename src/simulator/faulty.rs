//! A store with faults: any [`Store`], wrapped, whose sessions and queries fail now and then as real
//! databases do. Everything is drawn from a seed or scripted, so that a failure can be replayed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::AccountNumber;
use crate::domain::encoding::Hash;
use crate::domain::{
    Account, ExternalId, Operation, OperationId, PartnerId, Record, RecordKey, Reseller, ResellerId, Shard, Timestamp,
};
use crate::ledger::{Changes, Head};
use crate::ports::{
    Claim, Loaded, PartyQuery, Reads, RechargeQuery, RecordQuery, RecordedAction, RecordedEvidence, Session, ShardKey,
    StaffActionQuery, Store, StoreError, TransferReads, Wants,
};

/// Where a fault can strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// Opening a session.
    Session,
    Lock,
    Load,
    Holders,
    Persist,
    Commit,
    /// A rollback, or the leaf that resolves an unknown commit.
    Recover,
    /// A named query.
    Read,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The connection breaks before the statement takes effect.
    Unavailable,
    /// The transaction loses against another.
    Conflict,
    /// The statement is refused.
    Refused,
    /// The commit takes effect and its answer is lost. Only at [`Point::Commit`].
    LostApplied,
    /// The commit is lost before it takes effect. Only at [`Point::Commit`].
    LostNotApplied,
}

/// How often each fault strikes, in a thousand; all zero by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct FaultRates {
    pub session_unavailable_permille: u32,
    pub lock_conflict_permille: u32,
    /// At each of lock, load, holders, persist, commit and recovery.
    pub unavailable_permille: u32,
    /// At each of load, holders and persist.
    pub refused_permille: u32,
    pub commit_lost_applied_permille: u32,
    pub commit_lost_not_applied_permille: u32,
    pub read_unavailable_permille: u32,
    /// At every point.
    pub delay_permille: u32,
    /// The longest delay. A commit whose answer is lost goes on for as long, holding its locks: the
    /// orphaned backend that a recovering poster must wait for.
    pub delay_up_to_ms: u64,
}

/// `SplitMix64` (Steele, Lea and Flood 2014): small, seeded and the same everywhere.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn strikes(&mut self, permille: u32) -> bool {
        permille > 0 && self.next() % 1_000 < u64::from(permille)
    }
}

struct Faults {
    random: SplitMix64,
    rates: FaultRates,
    /// By point and by the number of the call there, from 1.
    script: HashMap<(Point, u64), Fault>,
    calls: HashMap<Point, u64>,
    struck: HashMap<(Point, Fault), u64>,
    ended: bool,
}

/// What happens to one call.
struct Fate {
    delay: Duration,
    fault: Option<Fault>,
}

impl Faults {
    fn fate(&mut self, point: Point) -> Fate {
        let call = self.calls.entry(point).or_default();
        *call += 1;
        let scripted = self.script.remove(&(point, *call));
        if self.ended {
            return Fate { delay: Duration::ZERO, fault: None };
        }
        let delayed = self.random.strikes(self.rates.delay_permille);
        let delay = if delayed { self.some_delay() } else { Duration::ZERO };
        let fault = scripted.or_else(|| self.draw(point));
        if let Some(fault) = fault {
            *self.struck.entry((point, fault)).or_default() += 1;
        }
        Fate { delay, fault }
    }

    fn some_delay(&mut self) -> Duration {
        Duration::from_millis(self.random.next() % (self.rates.delay_up_to_ms + 1))
    }

    fn draw(&mut self, point: Point) -> Option<Fault> {
        let rates = self.rates;
        let unavailable = (Fault::Unavailable, rates.unavailable_permille);
        let candidates: &[(Fault, u32)] = match point {
            Point::Session => &[(Fault::Unavailable, rates.session_unavailable_permille)],
            Point::Lock => &[(Fault::Conflict, rates.lock_conflict_permille), unavailable],
            Point::Load | Point::Holders | Point::Persist => &[(Fault::Refused, rates.refused_permille), unavailable],
            Point::Commit => &[
                (Fault::LostApplied, rates.commit_lost_applied_permille),
                (Fault::LostNotApplied, rates.commit_lost_not_applied_permille),
                unavailable,
            ],
            Point::Recover => &[unavailable],
            Point::Read => &[(Fault::Unavailable, rates.read_unavailable_permille)],
        };
        candidates.iter().find(|(_, permille)| self.random.strikes(*permille)).map(|(fault, _)| *fault)
    }
}

/// A store whose faults are drawn from a seed.
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    faults: Arc<Mutex<Faults>>,
}

fn locked(faults: &Mutex<Faults>) -> MutexGuard<'_, Faults> {
    faults.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FaultyStore {
    #[must_use]
    pub fn new(inner: Arc<dyn Store>, seed: u64, rates: FaultRates) -> Self {
        let faults = Faults {
            random: SplitMix64(seed),
            rates,
            script: HashMap::new(),
            calls: HashMap::new(),
            struck: HashMap::new(),
            ended: false,
        };
        Self { inner, faults: Arc::new(Mutex::new(faults)) }
    }

    /// From now on faults strike this often.
    pub fn set_rates(&self, rates: FaultRates) {
        locked(&self.faults).rates = rates;
    }

    /// Lets `fault` strike the `nth` call at `point` from now on, the next one being the first.
    pub fn script(&self, point: Point, nth: u64, fault: Fault) {
        let mut faults = locked(&self.faults);
        let call = faults.calls.get(&point).copied().unwrap_or(0) + nth;
        faults.script.insert((point, call), fault);
    }

    /// No fault and no delay from now on.
    pub fn end_faults(&self) {
        locked(&self.faults).ended = true;
    }

    /// How often `fault` has struck at `point`.
    #[must_use]
    pub fn struck(&self, point: Point, fault: Fault) -> u64 {
        locked(&self.faults).struck.get(&(point, fault)).copied().unwrap_or(0)
    }

    /// Waits as drawn for one call, and says what strikes it.
    pub(super) async fn draw(&self, point: Point) -> Option<Fault> {
        let fate = locked(&self.faults).fate(point);
        pause(fate.delay).await;
        fate.fault
    }

    /// Waits and fails as drawn for one call.
    pub(super) async fn meet(&self, point: Point) -> Result<(), StoreError> {
        self.draw(point).await.map_or(Ok(()), |fault| Err(error_of(fault)))
    }
}

fn error_of(fault: Fault) -> StoreError {
    match fault {
        Fault::Unavailable => StoreError::Unavailable("injected".into()),
        Fault::Conflict => StoreError::Conflict("injected".into()),
        Fault::Refused => StoreError::Refused("injected".into()),
        Fault::LostApplied | Fault::LostNotApplied => StoreError::CommitUnknown("injected".into()),
    }
}

struct FaultySession {
    /// `None` once the connection broke.
    inner: Option<Box<dyn Session>>,
    faults: Arc<Mutex<Faults>>,
    /// After an injected refusal or conflict: the transaction takes nothing but a rollback.
    aborted: bool,
}

impl FaultySession {
    /// The session under this one, unless the call fails as drawn.
    async fn meet(&mut self, point: Point) -> Result<&mut Box<dyn Session>, StoreError> {
        let fate = locked(&self.faults).fate(point);
        pause(fate.delay).await;
        if let Some(fault) = fate.fault {
            match fault {
                Fault::Refused | Fault::Conflict => self.aborted = true,
                Fault::Unavailable | Fault::LostApplied | Fault::LostNotApplied => self.inner = None,
            }
            return Err(error_of(fault));
        }
        self.alive()
    }

    fn alive(&mut self) -> Result<&mut Box<dyn Session>, StoreError> {
        match &mut self.inner {
            None => Err(StoreError::Unavailable("the session is broken".into())),
            Some(_) if self.aborted => Err(StoreError::Refused("the transaction is aborted".into())),
            Some(inner) => Ok(inner),
        }
    }

    /// The answer is lost; the backend goes on alone for a while, its locks held, and commits or does not.
    async fn orphan(&mut self, applied: bool) {
        let Some(mut inner) = self.inner.take() else { return };
        let lives_for = locked(&self.faults).some_delay();
        let end = async move {
            pause(lives_for).await;
            if applied && let Err(error) = inner.commit().await {
                tracing::error!(%error, "an orphaned commit failed");
            }
        };
        if lives_for.is_zero() {
            end.await;
        } else {
            tokio::spawn(end);
        }
    }
}

async fn pause(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

#[async_trait]
impl Session for FaultySession {
    async fn lock(&mut self, shards: &[Shard]) -> Result<Vec<Head>, StoreError> {
        self.meet(Point::Lock).await?.lock(shards).await
    }

    async fn load(&mut self, wants: &Wants) -> Result<Loaded, StoreError> {
        self.meet(Point::Load).await?.load(wants).await
    }

    async fn holders(&mut self, keys: &[ShardKey]) -> Result<Vec<Claim>, StoreError> {
        self.meet(Point::Holders).await?.holders(keys).await
    }

    async fn persist(&mut self, changes: &[Changes]) -> Result<(), StoreError> {
        self.meet(Point::Persist).await?.persist(changes).await
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        self.alive()?;
        let fate = locked(&self.faults).fate(Point::Commit);
        pause(fate.delay).await;
        match fate.fault {
            None => self.alive()?.commit().await,
            Some(fault) => {
                match fault {
                    Fault::LostApplied => self.orphan(true).await,
                    Fault::LostNotApplied => self.orphan(false).await,
                    Fault::Unavailable => self.inner = None,
                    Fault::Conflict | Fault::Refused => self.aborted = true,
                }
                Err(error_of(fault))
            }
        }
    }

    async fn rollback(&mut self) -> Result<(), StoreError> {
        self.aborted = false;
        self.meet(Point::Recover).await?.rollback().await
    }

    async fn leaf(&mut self, shard: Shard, sequence: i64) -> Result<Option<Hash>, StoreError> {
        self.meet(Point::Recover).await?.leaf(shard, sequence).await
    }
}

#[async_trait]
impl Reads for FaultyStore {
    async fn operation(&self, id: OperationId) -> Result<Option<Operation>, StoreError> {
        self.meet(Point::Read).await?;
        self.inner.operation(id).await
    }

    async fn operation_by_key(
        &self,
        shard: Shard,
        partner: PartnerId,
        reseller: ResellerId,
        external_id: &ExternalId,
    ) -> Result<Option<Operation>, StoreError> {
        self.meet(Point::Read).await?;
        self.inner.operation_by_key(shard, partner, reseller, external_id).await
    }

    async fn recharges(&self, query: &RechargeQuery) -> Result<Vec<Operation>, StoreError> {
        self.meet(Point::Read).await?;
        self.inner.recharges(query).await
    }

    async fn reseller_state(&self, shard: Shard, reseller: ResellerId) -> Result<Option<Reseller>, StoreError> {
        self.meet(Point::Read).await?;
        self.inner.reseller_state(shard, reseller).await
    }

    async fn stock(&self, shard: Shard, reseller: ResellerId) -> Result<Option<Account>, StoreError> {
        self.meet(Point::Read).await?;
        self.inner.stock(shard, reseller).await
    }

    async fn due(
        &self,
        due_by: Timestamp,
        after: Option<(Timestamp, OperationId)>,
        limit: u32,
    ) -> Result<Vec<Operation>, StoreError> {
        self.meet(Point::Read).await?;
        self.inner.due(due_by, after, limit).await
    }

    async fn doubt(&self, due_by: Timestamp) -> Result<(i64, Option<Timestamp>), StoreError> {
        self.meet(Point::Read).await?;
        self.inner.doubt(due_by).await
    }

    async fn accrued(&self, shard: Shard, after: AccountNumber, limit: u32) -> Result<Vec<Account>, StoreError> {
        self.meet(Point::Read).await?;
        self.inner.accrued(shard, after, limit).await
    }

    async fn account(&self, shard: Shard, number: AccountNumber) -> Result<Option<Account>, StoreError> {
        self.meet(Point::Read).await?;
        self.inner.account(shard, number).await
    }

    async fn record(&self, shard: Shard, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        self.meet(Point::Read).await?;
        self.inner.record(shard, key).await
    }

    async fn records(&self, query: &RecordQuery) -> Result<Vec<Record>, StoreError> {
        self.meet(Point::Read).await?;
        self.inner.records(query).await
    }

    async fn statements(&self, recharges: &[OperationId]) -> Result<Vec<OperationId>, StoreError> {
        self.meet(Point::Read).await?;
        self.inner.statements(recharges).await
    }

    async fn contradicted(&self, after: Option<OperationId>, limit: u32) -> Result<Vec<OperationId>, StoreError> {
        self.meet(Point::Read).await?;
        self.inner.contradicted(after, limit).await
    }

    async fn evidence(&self, operations: &[OperationId]) -> Result<Vec<RecordedEvidence>, StoreError> {
        self.meet(Point::Read).await?;
        self.inner.evidence(operations).await
    }

    async fn staff_actions(&self, query: &StaffActionQuery) -> Result<Vec<RecordedAction>, StoreError> {
        self.meet(Point::Read).await?;
        self.inner.staff_actions(query).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.meet(Point::Read).await?;
        self.inner.check().await
    }
}

#[async_trait]
impl TransferReads for FaultyStore {
    async fn transfers(&self, query: &PartyQuery) -> Result<Vec<Operation>, StoreError> {
        self.meet(Point::Read).await?;
        self.inner.transfers(query).await
    }

    async fn overdue_transfers(&self, due_by: Timestamp, limit: u32) -> Result<Vec<Operation>, StoreError> {
        self.meet(Point::Read).await?;
        self.inner.overdue_transfers(due_by, limit).await
    }
}

#[async_trait]
impl Store for FaultyStore {
    fn dialect(&self) -> &'static str {
        self.inner.dialect()
    }

    fn shards(&self) -> u16 {
        self.inner.shards()
    }

    fn max_posters(&self) -> usize {
        self.inner.max_posters()
    }

    async fn session(&self) -> Result<Box<dyn Session>, StoreError> {
        self.meet(Point::Session).await?;
        let inner = Some(self.inner.session().await?);
        Ok(Box::new(FaultySession { inner, faults: Arc::clone(&self.faults), aborted: false }))
    }
}
