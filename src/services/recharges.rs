//! Fast recharges: reserve, call the charging system, settle or release.
//!
//! The work is a detached task; the request only waits for it. A client that hangs up changes nothing, and an
//! answer that comes after the deadline still moves the operation (`domain.md` \[3\]).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout};
use tracing::Instrument as _;

use super::caller::{Caller, ServiceError};
use super::directory::Directory;
use crate::domain::ids::uuid_v7;
use crate::domain::{
    Channel, Currency, Decline, ExternalId, Money, Msisdn, Operation, OperationId, OperationKind, ResellerId, Status,
    TerminalId, Timestamp,
};
use crate::ledger::Refusal;
use crate::ledger::command::{Actor, Command, Evidence, Outcome, Request, Reserve, Resolve, Void};
use crate::ports::{
    Charging, ChargingOutcome, Clock, Ledger, LedgerError, Randomness, Reads, RechargeQuery, RefillRequest, Scope,
};

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
    /// When the outcome of an operation in doubt is promised at the latest, counted from `submit_by`.
    pub resolve_within_ms: i64,
    /// Recharges between their reservation and their outcome at most; more are refused as overload.
    pub max_outstanding: usize,
    pub currency: Currency,
}

/// What recharges need of the world.
pub struct RechargeDeps {
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn Reads>,
    pub charging: Arc<dyn Charging>,
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
        Some(recharge.submit_by.plus_ms(self.config.resolve_within_ms))
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

impl Answer {
    /// What the ledger says of a command about an operation.
    ///
    /// # Errors
    /// [`ServiceError::Internal`] when it was about none.
    pub(super) fn of(outcome: Outcome) -> Result<Self, ServiceError> {
        match outcome {
            Outcome::Decided(operation) | Outcome::Unchanged(operation) => Ok(Self { operation, replayed: false }),
            Outcome::Replayed(operation) => Ok(Self { operation, replayed: true }),
            Outcome::Recorded | Outcome::Put(_) => Err(ServiceError::Internal),
        }
    }
}

/// One recharge on its way, detached from the request that asked for it.
struct Task {
    deps: Arc<RechargeDeps>,
    currency: Currency,
    progress: watch::Sender<Progress>,
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
    };
    Command { actor: caller.seller(), request: Request::Reserve(reserve) }
}

impl Task {
    /// Runs to the end whether anybody waits or not. The permit counts it as outstanding.
    async fn run(self, command: Command, permit: OwnedSemaphorePermit) {
        let span = tracing::debug_span!("recharge.reserve", reseller.id = tracing::field::Empty);
        let begun = Instant::now();
        let reserved = match self.deps.ledger.execute(command).instrument(span.clone()).await {
            Ok(outcome) => Answer::of(outcome),
            Err(error) => Err(error.into()),
        };
        if let Ok(Answer { operation, replayed }) = &reserved {
            span.record("reseller.id", tracing::field::display(operation.reseller));
            trace_state(&span, operation, *replayed, begun);
        }
        let ours = reserved.as_ref().ok().filter(|answer| !answer.replayed && answer.operation.status.is_open());
        let Some(operation) = ours.map(|answer| answer.operation.clone()) else {
            return self.report(reserved, Stage::Answered);
        };
        self.report(reserved, Stage::Waiting);
        let span = tracing::debug_span!("recharge.charge", reseller.id = %operation.reseller);
        self.charge(&operation).instrument(span).await;
        drop(permit);
    }

    /// Calls the charging system and moves the operation by what it says, also when it says it late.
    async fn charge(&self, operation: &Operation) {
        let Some(request) = refill_request(operation, self.currency) else {
            return tracing::error!(operation = %operation.id.uuid(), "a reserved recharge has no charging reference");
        };
        let begun = Instant::now();
        // None when the reservation itself took too long: then nothing is sent any more.
        let left_ms = u64::try_from(request.submit_by.since_ms(self.deps.clock.now())).unwrap_or(0);
        let mut refill = self.deps.charging.refill(&request);
        let in_time = timeout(Duration::from_millis(left_ms), &mut refill).await;
        metrics::histogram!("taabia_charging_seconds").record(begun.elapsed().as_secs_f64());
        if let Ok(outcome) = in_time {
            drop(refill);
            return self.conclude(operation, outcome).await;
        }
        self.conclude(operation, ChargingOutcome::Unknown("no answer before the deadline".into())).await;
        match refill.await {
            ChargingOutcome::Unknown(_) => {}
            late => self.conclude(operation, late).await,
        }
    }

    async fn conclude(&self, operation: &Operation, outcome: ChargingOutcome) {
        metrics::counter!("taabia_charging_outcomes_total", "outcome" => outcome_name(&outcome)).increment(1);
        let evidence = match outcome {
            ChargingOutcome::Approved => Evidence::Applied,
            ChargingOutcome::Declined(decline) => Evidence::NotApplied(decline),
            ChargingOutcome::NotSent => Evidence::NotApplied(Decline::ChargingDeclined),
            ChargingOutcome::Unknown(why) => {
                tracing::info!(recharge.id = %OperationKind::Recharge.render(operation.id), why, "recharge in doubt");
                Evidence::NoAnswer
            }
        };
        let resolve = Resolve { operation: operation.id, evidence };
        let actor: Actor = "system:charging".into();
        let begun = Instant::now();
        match self.deps.ledger.execute(Command { actor, request: Request::Resolve(resolve) }).await {
            Ok(outcome) => {
                if let Some(operation) = outcome.operation() {
                    trace_state(&tracing::Span::current(), operation, false, begun);
                }
                self.report(Answer::of(outcome), Stage::Answered);
            }
            // The operation stays as it is. One that is open is the doubt job's; one that is final and contradicted is
            // a case for reconciliation (`domain.md` \[3\]).
            Err(error) => {
                if matches!(error, LedgerError::Refused(Refusal::IllegalTransition { .. })) {
                    metrics::counter!("taabia_contradicting_evidence_total").increment(1);
                }
                tracing::error!(recharge.id = %OperationKind::Recharge.render(operation.id), %error, "not resolved");
            }
        }
    }

    fn report(&self, reached: Result<Answer, ServiceError>, stage: Stage) {
        self.progress.send_replace(Some(reached.map(|answer| (answer, stage))));
    }
}

/// One line per durable step, for whoever follows a recharge; never a subscriber's number.
fn trace_state(span: &tracing::Span, operation: &Operation, replayed: bool, begun: Instant) {
    tracing::debug!(
        parent: span,
        recharge.id = %OperationKind::Recharge.render(operation.id),
        status = operation.status.name(),
        decline = operation.decline.map_or("", Decline::code),
        amount.minor = operation.amount_minor,
        replayed,
        duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        "recharge"
    );
}

/// What is asked of the charging system for a reserved recharge.
fn refill_request(operation: &Operation, currency: Currency) -> Option<RefillRequest> {
    let recharge = operation.recharge()?;
    Some(RefillRequest {
        reference: recharge.charging_reference?,
        msisdn: recharge.msisdn,
        amount: Money::from_minor(operation.amount_minor, currency),
        product: recharge.product.clone(),
        submit_by: recharge.submit_by,
    })
}

fn outcome_name(outcome: &ChargingOutcome) -> &'static str {
    match outcome {
        ChargingOutcome::Approved => "approved",
        ChargingOutcome::Declined(_) => "declined",
        ChargingOutcome::Unknown(_) => "unknown",
        ChargingOutcome::NotSent => "not_sent",
    }
}
