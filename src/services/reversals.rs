//! Reversals of recharges: accepted or declined, the charging system asked once, then booked.
//!
//! As with recharges the work is a detached task; the request only waits for it. What a node leaves behind is gone on
//! with by [`Reversals::look`].

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::caller::{Caller, Scope, ServiceError};
use super::directory::Directory;
use super::operation_list::OperationPage;
use super::recharges::Answer;
use crate::charging::ChargingSystems;
use crate::domain::{
    Currency, Decline, EvidenceKind, ExternalId, Money, Operation, OperationId, OperationKind, ResellerId, Reversal,
    Says, Status, Timestamp,
};
use crate::ledger::command::{
    Actor, AdvanceReversal, Command, Outcome, Request, ReversalEvidence, StartReversal, Void,
};
use crate::ledger::evidence::EvidenceRules;
use crate::ports::{
    Charging, Clock, Ledger, LookupOutcome, Randomness, Reads, ReversalOutcome, ReversalRefusal, ReversalRequest,
    TopupReads, draw_operation,
};

/// A validated order.
#[derive(Clone, Debug)]
pub struct ReversalOrder {
    pub external_id: ExternalId,
    /// `None` is all that is left.
    pub amount_minor: Option<i64>,
    pub reason: Box<str>,
}

/// Times of reversals.
#[derive(Clone, Debug)]
pub struct ReversalConfig {
    pub currency: Currency,
    /// How long a request waits for the outcome before it is answered with the state as it is.
    pub answer_within_ms: u64,
    /// What an inquiry proves, and when the outcome of a doubt is promised at the latest, follow from these.
    pub evidence: EvidenceRules,
    pub lookup_timeout_ms: u64,
}

/// What reversals need of the world.
pub struct ReversalDeps {
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn Reads>,
    pub lists: Arc<dyn TopupReads>,
    pub charging: Arc<ChargingSystems>,
    pub directory: Arc<Directory>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
}

/// The use cases of reversals.
#[derive(Clone)]
pub struct Reversals {
    deps: Arc<ReversalDeps>,
    config: ReversalConfig,
}

const ACTOR: &str = "system:charging";

impl Reversals {
    #[must_use]
    pub fn new(deps: ReversalDeps, config: ReversalConfig) -> Self {
        Self { deps: Arc::new(deps), config }
    }

    /// Asks for a recharge to be taken back; answers with what became of it, or with the reversal as it stands when that
    /// takes longer.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when the recharge is unknown or outside the caller's subtrees; [`ServiceError`].
    pub async fn of_recharge(
        &self,
        caller: &Caller,
        recharge: OperationId,
        order: ReversalOrder,
    ) -> Result<Answer, ServiceError> {
        let recharge = self.recharge(caller, recharge).await?;
        self.start(caller, (recharge.id, None), recharge.reseller, order).await
    }

    /// The same of the recharge that the caller asked for under `original`. A key that nobody used is voided, so that a
    /// late request takes no effect, and the reversal is done (`domain.md` \[7\], \[8\]).
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when the reseller is unknown or outside the caller's subtrees, or when the key is that of
    /// something else than a recharge; [`ServiceError`].
    pub async fn of_key(
        &self,
        caller: &Caller,
        (reseller, original): (ResellerId, ExternalId),
        order: ReversalOrder,
    ) -> Result<Answer, ServiceError> {
        self.deps.directory.authorise(caller, reseller).await?;
        let recharge = match self.find(caller, reseller, &original).await? {
            Some(found) if found.kind() == OperationKind::Recharge => found.id,
            Some(_) => return Err(ServiceError::NotFound),
            // Whoever holds the key of this reversal is no reversal of that: nothing is voided for it.
            None if self.find(caller, reseller, &order.external_id).await?.is_some() => {
                return Err(ServiceError::ExternalIdReused { field: "original_external_id" });
            }
            None => self.void(caller, reseller, original.clone()).await?,
        };
        self.start(caller, (recharge, Some(original)), reseller, order).await
    }

    async fn find(
        &self,
        caller: &Caller,
        reseller: ResellerId,
        key: &ExternalId,
    ) -> Result<Option<Operation>, ServiceError> {
        let shard = self.deps.directory.shard_of(reseller);
        Ok(self.deps.reads.operation_by_key(shard, caller.partner, reseller, key).await?)
    }

    /// The tombstone, or the recharge that came in between.
    async fn void(
        &self,
        caller: &Caller,
        reseller: ResellerId,
        external_id: ExternalId,
    ) -> Result<OperationId, ServiceError> {
        let operation = self.draw(reseller);
        let void = Void { operation, partner: caller.partner, reseller, external_id };
        let command = Command { actor: caller.seller(), request: Request::Void(void) };
        let outcome = self.deps.ledger.execute(command).await?;
        outcome.operation().map(|operation| operation.id).ok_or(ServiceError::Internal)
    }

    fn draw(&self, reseller: ResellerId) -> OperationId {
        let shard = self.deps.directory.shard_of(reseller);
        draw_operation(&*self.deps.clock, &*self.deps.randomness, shard)
    }

    async fn start(
        &self,
        caller: &Caller,
        (recharge, original): (OperationId, Option<ExternalId>),
        reseller: ResellerId,
        order: ReversalOrder,
    ) -> Result<Answer, ServiceError> {
        let start = StartReversal {
            operation: self.draw(reseller),
            partner: caller.partner,
            external_id: order.external_id,
            recharge,
            original,
            reseller,
            asked_minor: order.amount_minor,
            reason: order.reason,
            for_operator: caller.may(Scope::StockIssue) || caller.may(Scope::StockApprove),
        };
        let command = Command { actor: caller.seller(), request: Request::StartReversal(start) };
        let (told, started) = oneshot::channel();
        let services = self.clone();
        // Runs to the end whether anybody waits or not.
        let task = tokio::spawn(async move {
            let answer = match services.deps.ledger.execute(command).await {
                Ok(outcome) => Answer::of(outcome),
                Err(error) => Err(error.into()),
            };
            let new = answer.as_ref().ok().filter(|answer| !answer.replayed).map(|answer| answer.operation.clone());
            // Whoever waited may have gone.
            let _gone = told.send(answer);
            match new {
                Some(reversal) => services.goes_on(reversal).await,
                None => None,
            }
        });
        let answer = started.await.map_err(|_| ServiceError::Internal)??;
        let within = Duration::from_millis(self.config.answer_within_ms);
        match timeout(within, task).await {
            Ok(Ok(Some(operation))) => Ok(Answer { operation, ..answer }),
            _ => self.as_it_stands(answer).await,
        }
    }

    /// Whoever waited long enough learns what is known by now.
    async fn as_it_stands(&self, answer: Answer) -> Result<Answer, ServiceError> {
        if !answer.operation.is_reversal_under_way() {
            return Ok(answer);
        }
        let stands = self.deps.reads.operation(answer.operation.id).await?;
        Ok(stands.map_or(answer.clone(), |operation| Answer { operation: Arc::new(operation), ..answer }))
    }

    async fn recharge(&self, caller: &Caller, id: OperationId) -> Result<Operation, ServiceError> {
        self.read(caller, id, OperationKind::Recharge).await
    }

    async fn read(&self, caller: &Caller, id: OperationId, kind: OperationKind) -> Result<Operation, ServiceError> {
        let operation = self.deps.reads.operation(id).await?.filter(|operation| operation.kind() == kind);
        let operation = operation.ok_or(ServiceError::NotFound)?;
        self.deps.directory.authorise(caller, operation.reseller).await?;
        Ok(operation)
    }

    /// # Errors
    /// [`ServiceError::NotFound`] when unknown or outside the caller's subtrees.
    pub async fn get(&self, caller: &Caller, id: OperationId) -> Result<Operation, ServiceError> {
        self.read(caller, id, OperationKind::Reversal).await
    }

    /// A page of the reversals of a recharge, newest first.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when the recharge is unknown or outside the caller's subtrees; [`ServiceError`].
    pub async fn list(
        &self,
        caller: &Caller,
        recharge: OperationId,
        after: Option<OperationId>,
        limit: u32,
    ) -> Result<OperationPage, ServiceError> {
        self.recharge(caller, recharge).await?;
        let items = self.deps.lists.refunds(recharge, after, limit + 1).await?;
        Ok(OperationPage::of(items, limit))
    }

    /// When the outcome of a reversal without one is expected at the latest; `None` while its recharge has none.
    #[must_use]
    pub fn final_status_expected_at(&self, operation: &Operation) -> Option<Timestamp> {
        let reversal = operation.reversal().filter(|_| operation.is_reversal_under_way())?;
        Some(self.config.evidence.of(reversal.system()?).promised_at(reversal.submit_by()?))
    }

    /// Asks the charging system for a reversal that was submitted a moment ago; what became of it.
    async fn goes_on(&self, reversal: Arc<Operation>) -> Option<Arc<Operation>> {
        if reversal.status != Status::Submitted {
            return Some(reversal);
        }
        let Some((charging, request)) = self.request(&reversal).await else {
            return self.advance(&reversal, ReversalEvidence::NotAsked).await;
        };
        let left_ms = u64::try_from(request.submit_by.since_ms(self.deps.clock.now())).unwrap_or(0);
        let mut asking = charging.reverse(&request);
        match timeout(Duration::from_millis(left_ms), &mut asking).await {
            Ok(outcome) => self.conclude(&reversal, outcome).await,
            Err(_) => {
                let silence = ReversalOutcome::Unknown("no answer before the deadline".into());
                let doubt = self.conclude(&reversal, silence).await;
                match asking.await {
                    ReversalOutcome::Unknown(_) => doubt,
                    late => self.conclude(&reversal, late).await.or(doubt),
                }
            }
        }
    }

    /// What is asked, and of whom; `None` when that cannot be told.
    async fn request(&self, operation: &Operation) -> Option<(Arc<dyn Charging>, ReversalRequest)> {
        let reversal = operation.reversal()?;
        let charging = self.deps.charging.get(reversal.system()?)?;
        let of = self.deps.reads.operation(reversal.recharge().ok()?).await.ok()??;
        let recharge = of.recharge()?;
        let request = ReversalRequest {
            reference: reversal.charging_reference?,
            of: recharge.charging_reference?,
            msisdn: recharge.msisdn,
            amount: Money::from_minor(operation.amount_minor, self.config.currency),
            submit_by: reversal.submit_by()?,
        };
        Some((charging, request))
    }

    async fn conclude(&self, reversal: &Operation, outcome: ReversalOutcome) -> Option<Arc<Operation>> {
        let (name, evidence) = match outcome {
            ReversalOutcome::Reversed => ("reversed", ReversalEvidence::Reversed),
            ReversalOutcome::Refused(refusal) => ("refused", ReversalEvidence::NotReversed(decline_of(refusal))),
            ReversalOutcome::NotOffered => ("not_offered", ReversalEvidence::NotReversed(Decline::NotReversible)),
            ReversalOutcome::NotSent => ("not_sent", ReversalEvidence::NotAsked),
            ReversalOutcome::Unknown(why) => {
                tracing::info!(reversal.id = %id_of(reversal), why, "reversal in doubt");
                ("unknown", ReversalEvidence::NoAnswer)
            }
        };
        metrics::counter!("taabia_reversal_outcomes_total", "outcome" => name).increment(1);
        self.advance(reversal, evidence).await
    }

    /// Writes down what is known. When that fails, the reversal stays as it is: it is looked at again.
    async fn advance(&self, reversal: &Operation, evidence: ReversalEvidence) -> Option<Arc<Operation>> {
        let outcome = self.execute(reversal, evidence).await?;
        outcome.operation().cloned()
    }

    async fn execute(&self, operation: &Operation, evidence: ReversalEvidence) -> Option<Outcome> {
        let reversal = operation.reversal()?;
        let (recharge, reference) = (reversal.recharge().ok()?, reversal.charging_reference);
        let (id, reseller) = (operation.id, operation.reseller);
        let advance = AdvanceReversal { operation: id, recharge, reseller, reference, evidence };
        let request = Request::AdvanceReversal(advance);
        match self.deps.ledger.execute(Command { actor: Actor::from(ACTOR), request }).await {
            Ok(outcome) => Some(outcome),
            Err(error) => {
                tracing::warn!(reversal.id = %id_of(operation), %error, "the reversal stays as it is");
                None
            }
        }
    }

    /// Goes on with a reversal that is not at its end: one that waits, or one whose outcome is not known.
    pub async fn look(&self, operation: &Operation) {
        let Some(reversal) = operation.reversal() else { return };
        match operation.status {
            Status::Created => {
                // Whoever moves it on asks: of several nodes, one.
                if let Some(Outcome::Decided(operation)) = self.execute(operation, ReversalEvidence::Due).await {
                    let services = self.clone();
                    let asking = tokio::spawn(async move { services.goes_on(operation).await });
                    // A look takes no longer than an inquiry: others wait for theirs.
                    let _goes_on = timeout(Duration::from_millis(self.config.lookup_timeout_ms), asking).await;
                }
            }
            Status::Submitted if reversal.submit_by().is_some_and(|by| self.deps.clock.now() <= by) => {
                // Whoever asked waits for the answer.
            }
            Status::Submitted => {
                self.advance(operation, ReversalEvidence::NoAnswer).await;
                self.inquire(operation, reversal).await;
            }
            _ => self.inquire(operation, reversal).await,
        }
    }

    async fn inquire(&self, operation: &Operation, reversal: &Reversal) {
        let Some(((reference, submit_by), system)) =
            reversal.charging_reference.zip(reversal.submit_by()).zip(reversal.system())
        else {
            return;
        };
        let bound = Duration::from_millis(self.config.lookup_timeout_ms);
        // A miss counts by when it was asked: what came in since is not known either.
        let asked_at = self.deps.clock.now();
        let found = match self.deps.charging.get(system) {
            Some(charging) => timeout(bound, charging.lookup_reversal(reference)).await,
            None => Ok(LookupOutcome::NotOffered),
        };
        let (says, evidence) = match found {
            Ok(LookupOutcome::Applied) => (Says::Applied, ReversalEvidence::Reversed),
            Ok(LookupOutcome::NotApplied(decline)) => {
                (Says::NotApplied(decline), ReversalEvidence::NotReversed(decline))
            }
            Ok(LookupOutcome::NotKnown) => (Says::NotKnown, ReversalEvidence::NotAsked),
            _ => return,
        };
        // What ends the doubt about a refill there ends that about a reversal (`domain.md` [5]).
        let rules = self.config.evidence.of(system);
        if rules.outcome(EvidenceKind::Inquiry, says, submit_by, asked_at).is_some() {
            self.advance(operation, evidence).await;
        }
    }
}

fn decline_of(refusal: ReversalRefusal) -> Decline {
    match refusal {
        ReversalRefusal::CreditSpent => Decline::CreditSpent,
        ReversalRefusal::SubscriberUnknown => Decline::SubscriberUnknown,
        ReversalRefusal::Other => Decline::ChargingDeclined,
    }
}

fn id_of(reversal: &Operation) -> String {
    OperationKind::Reversal.render(reversal.id)
}
