//! Fast recharges: reserve, call the charging system, settle or release.
//!
//! The work is a detached task; the request only waits for it. A client that hangs up changes nothing, and an
//! answer that comes after the deadline still moves the operation (`domain.md` \[3\]).

mod evidence;
mod task;
mod trial;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::caller::{Caller, ServiceError};
use super::directory::Directory;
use crate::charging::ChargingSystems;
use crate::domain::ids::uuid_v7;
use crate::domain::{
    Channel, Currency, ExternalId, Msisdn, Operation, OperationId, OperationKind, ResellerId, Status, SystemName,
    TerminalId, Timestamp,
};
use crate::ledger::command::{Command, Outcome, Request, Reserve, Void};
use crate::ledger::evidence::EvidenceRules;
use crate::ports::{Clock, Ledger, Randomness, Reads, RechargeQuery, RecordedEvidence, Scope};
pub use evidence::Heard;
use task::Task;
pub use trial::{Reached, Trial};

/// A validated order.
#[derive(Clone, Debug)]
pub struct RechargeOrder {
    pub external_id: ExternalId,
    pub reseller: ResellerId,
    pub msisdn: Msisdn,
    pub amount_minor: i64,
    pub product: Box<str>,
    pub channel: Channel,
    pub terminal: Option<TerminalId>,
    pub allow_repeat: bool,
}

/// What a list shows.
#[derive(Clone, Debug, Default)]
pub struct RechargeFilter {
    pub reseller: Option<ResellerId>,
    /// Only together with `reseller`; of the caller's own partner.
    pub external_id: Option<ExternalId>,
    /// Only together with `from` and `to`.
    pub msisdn: Option<Msisdn>,
    pub status: Option<Status>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub after: Option<OperationId>,
    /// 1 to 200.
    pub limit: u32,
}

/// An operation and whether it had been decided before this request.
#[derive(Clone, Debug)]
pub struct Answer {
    pub operation: Arc<Operation>,
    pub replayed: bool,
}

/// A page of recharges, newest first.
#[derive(Clone, Debug)]
pub struct RechargePage {
    pub items: Vec<Operation>,
    pub next: Option<OperationId>,
}

/// Times and bounds of recharges.
#[derive(Clone, Debug)]
pub struct RechargeConfig {
    /// How long a request waits for the outcome before it is answered with the state as it is.
    pub answer_within_ms: u64,
    /// When the outcome of an operation in doubt is promised at the latest follows from these.
    pub evidence: EvidenceRules,
    /// Recharges between their reservation and their outcome at most; more are refused as overload.
    pub max_outstanding: usize,
    pub currency: Currency,
}

/// What recharges need of the world.
pub struct RechargeDeps {
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn Reads>,
    pub charging: Arc<ChargingSystems>,
    pub directory: Arc<Directory>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
}

/// A caller with at most so many resellers has its list looked up reseller by reseller.
const FEW_RESELLERS: u32 = 1_000;

/// The use cases of recharges.
pub struct Recharges {
    deps: Arc<RechargeDeps>,
    config: RechargeConfig,
    outstanding: Arc<Semaphore>,
}

/// What the detached task has reached so far.
type Progress = Option<Result<(Answer, Stage), ServiceError>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Answered,
}

impl Recharges {
    #[must_use]
    pub fn new(deps: RechargeDeps, config: RechargeConfig) -> Self {
        let outstanding = Arc::new(Semaphore::new(config.max_outstanding.min(Semaphore::MAX_PERMITS)));
        Self { deps: Arc::new(deps), config, outstanding }
    }

    /// Reserves, calls the charging system, settles or releases; answers with the outcome or, when it
    /// takes longer than `answer_within_ms`, with the operation as it stands.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn create(&self, caller: &Caller, order: RechargeOrder) -> Result<Answer, ServiceError> {
        self.deps.directory.authorise(caller, order.reseller).await?;
        self.place(reserve(&self.deps, caller, order)).await
    }

    /// The charging system that is asked first for a number.
    #[must_use]
    pub fn first_system(&self, msisdn: Msisdn) -> SystemName {
        self.deps.charging.first(msisdn)
    }

    /// Carries out a reservation that somebody else has authorised.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn place(&self, command: Command) -> Result<Answer, ServiceError> {
        let Ok(permit) = self.outstanding.clone().try_acquire_owned() else {
            metrics::counter!("taabia_engine_refused_total", "reason" => "outstanding").increment(1);
            return Err(ServiceError::Overloaded { retry_after_s: 1 });
        };
        let (progress, mut watching) = watch::channel::<Progress>(None);
        let task = Task { deps: self.deps.clone(), currency: self.config.currency, progress };
        tokio::spawn(task.run(command, permit));
        let answered = |state: &Progress| !matches!(state, None | Some(Ok((_, Stage::Waiting))));
        let within = Duration::from_millis(self.config.answer_within_ms);
        let _ = timeout(within, watching.wait_for(answered)).await;
        let reached = watching.borrow().clone();
        match reached {
            Some(reached) => reached.map(|(answer, _)| answer),
            // Not reserved yet, or not known to be: the same id finds out.
            None => Err(ServiceError::Unavailable { retry_after_s: 1 }),
        }
    }

    /// # Errors
    /// [`ServiceError::NotFound`] when unknown or outside the caller's subtrees.
    pub async fn get(&self, caller: &Caller, id: OperationId) -> Result<Operation, ServiceError> {
        let operation = self.deps.reads.operation(id).await?.ok_or(ServiceError::NotFound)?;
        if operation.kind() != OperationKind::Recharge {
            return Err(ServiceError::NotFound);
        }
        self.deps.directory.authorise(caller, operation.reseller).await?;
        Ok(operation)
    }

    /// # Errors
    /// [`ServiceError`].
    pub async fn list(&self, caller: &Caller, filter: RechargeFilter) -> Result<RechargePage, ServiceError> {
        let scope = match filter.reseller {
            Some(reseller) => {
                self.deps.directory.authorise(caller, reseller).await?;
                Scope::Resellers(vec![(self.deps.directory.shard_of(reseller), reseller)])
            }
            None => self.scope_of(caller).await?,
        };
        if let (Some(reseller), Some(external_id)) = (filter.reseller, &filter.external_id) {
            return self.find(caller, reseller, external_id, &filter).await;
        }
        let query = RechargeQuery {
            scope,
            msisdn: filter.msisdn,
            status: filter.status,
            from: filter.from,
            to: filter.to,
            after: filter.after,
            limit: filter.limit + 1,
        };
        let mut items = self.deps.reads.recharges(&query).await?;
        let more = items.len() > filter.limit as usize;
        items.truncate(filter.limit as usize);
        let next = if more { items.last().map(|operation| operation.id) } else { None };
        Ok(RechargePage { items, next })
    }

    /// What was received about recharges.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn evidence(&self, recharges: &[OperationId]) -> Result<Vec<RecordedEvidence>, ServiceError> {
        if recharges.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.deps.reads.evidence(recharges).await?)
    }

    async fn scope_of(&self, caller: &Caller) -> Result<Scope, ServiceError> {
        let page = self.deps.directory.page(caller, None, FEW_RESELLERS).await?;
        if page.next.is_some() {
            return Ok(Scope::Subtrees(caller.roots.to_vec()));
        }
        let located = page.reseller_ids.into_iter().map(|id| (self.deps.directory.shard_of(id), id));
        Ok(Scope::Resellers(located.collect()))
    }

    async fn find(
        &self,
        caller: &Caller,
        reseller: ResellerId,
        external_id: &ExternalId,
        filter: &RechargeFilter,
    ) -> Result<RechargePage, ServiceError> {
        let shard = self.deps.directory.shard_of(reseller);
        let found = self.deps.reads.operation_by_key(shard, caller.partner, reseller, external_id).await?;
        let items = found
            .into_iter()
            .filter(|operation| {
                operation.kind() == OperationKind::Recharge
                    && filter.status.is_none_or(|status| operation.status == status)
                    && filter.from.is_none_or(|from| operation.created_at >= from)
                    && filter.to.is_none_or(|to| operation.created_at < to)
                    && filter.msisdn.is_none_or(|msisdn| operation.recharge().is_some_and(|r| r.msisdn == msisdn))
                    && filter.after.is_none()
            })
            .collect();
        Ok(RechargePage { items, next: None })
    }

    /// Makes an unknown key unusable; the operation when the key is known.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn void(
        &self,
        caller: &Caller,
        reseller: ResellerId,
        external_id: ExternalId,
    ) -> Result<Answer, ServiceError> {
        self.deps.directory.authorise(caller, reseller).await?;
        let (operation, _) = draw(&self.deps, reseller);
        let void = Void { operation, partner: caller.partner, reseller, external_id };
        let command = Command { actor: caller.seller(), request: Request::Void(void) };
        Answer::of(self.deps.ledger.execute(command).await?)
    }

    /// When the outcome of an operation without one is expected at the latest.
    #[must_use]
    pub fn final_status_expected_at(&self, operation: &Operation) -> Option<Timestamp> {
        let recharge = operation.recharge().filter(|_| operation.status.is_open())?;
        Some(self.config.evidence.promised_at(recharge))
    }

    /// Waits until no recharge is between its reservation and its answer; new ones are refused meanwhile.
    pub async fn drain(&self) {
        let all = u32::try_from(self.config.max_outstanding).unwrap_or(u32::MAX);
        if let Ok(permits) = self.outstanding.acquire_many(all).await {
            permits.forget();
        }
    }
}

/// A new operation id in the reseller's shard, and the salt for its number.
fn draw(deps: &RechargeDeps, reseller: ResellerId) -> (OperationId, [u8; 16]) {
    let mut random = [0; 26];
    deps.randomness.fill(&mut random);
    let (id, salt) = random.split_at(10);
    let id = id.try_into().expect("split at ten");
    let uuid = uuid_v7(deps.clock.now(), id, deps.directory.shard_of(reseller));
    (OperationId::from_uuid(uuid), salt.try_into().expect("the other sixteen"))
}

fn reserve(deps: &RechargeDeps, caller: &Caller, order: RechargeOrder) -> Command {
    let (operation, salt) = draw(deps, order.reseller);
    let reserve = Reserve {
        operation,
        partner: caller.partner,
        reseller: order.reseller,
        external_id: order.external_id,
        msisdn: order.msisdn,
        salt,
        amount_minor: order.amount_minor,
        product: order.product,
        channel: order.channel,
        terminal: order.terminal,
        allow_repeat: order.allow_repeat,
        system: deps.charging.first(order.msisdn),
    };
    Command { actor: caller.seller(), request: Request::Reserve(reserve) }
}

impl Answer {
    /// What the ledger says of a command about an operation.
    ///
    /// # Errors
    /// [`ServiceError::Internal`] when it was about none.
    pub(super) fn of(outcome: Outcome) -> Result<Self, ServiceError> {
        match outcome {
            Outcome::Decided(operation) | Outcome::Unchanged(operation) => Ok(Self { operation, replayed: false }),
            Outcome::Replayed(operation) => Ok(Self { operation, replayed: true }),
            Outcome::Recorded | Outcome::Put(_) | Outcome::Tried(_) => Err(ServiceError::Internal),
        }
    }
}
