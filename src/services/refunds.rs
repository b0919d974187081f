//! Refunds of top-ups: what was bought is taken back, the acquirer is asked once, and what it did is found out.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::caller::{Caller, ServiceError};
use super::cashier::Cashier;
use super::operation_list::OperationPage;
use super::recharges::Answer;
use super::topups::Topups;
use crate::acquiring::AcquirerName;
use crate::domain::{Decline, ExternalId, Money, Operation, OperationId, OperationKind, Status};
use crate::ledger::command::{Command, RefundEvidence, Request, SettleRefund, StartRefund};
use crate::ports::acquirer::{self, AcquirerReference, Lookup, NotSent, OrderId, Outcome, RefundStage};
use crate::ports::draw_operation;

/// A validated order.
#[derive(Clone, Debug)]
pub struct RefundOrder {
    pub topup: OperationId,
    pub external_id: ExternalId,
    /// `None` is all that is left.
    pub amount_minor: Option<i64>,
    pub reason: Box<str>,
}

/// Our id of a refund at acquirers.
fn refund_id(id: OperationId) -> OrderId {
    OperationKind::TopupRefund.render(id).parse().expect("a rendered id fits")
}

/// The refund that an acquirer speaks of.
#[must_use]
pub fn of_refund(order: &OrderId) -> Option<OperationId> {
    OperationId::parse(order.as_str(), OperationKind::TopupRefund.prefix())
}

impl Topups {
    /// Takes back what was bought and asks the acquirer to give the money back; answers with what became of it, or with
    /// the refund as it stands when that takes longer.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when the top-up is unknown or outside the caller's subtrees; [`ServiceError`].
    pub async fn refund(&self, caller: &Caller, order: RefundOrder) -> Result<Answer, ServiceError> {
        let topup = self.get(caller, order.topup).await?;
        let start = StartRefund {
            operation: draw_operation(&*self.deps.clock, &*self.deps.randomness, order.topup.shard()),
            partner: caller.partner,
            external_id: order.external_id,
            topup: order.topup,
            reseller: topup.reseller,
            asked_minor: order.amount_minor,
            reason: order.reason,
        };
        let command = Command { actor: caller.seller(), request: Request::StartRefund(start) };
        let (told, started) = oneshot::channel();
        let deps = Arc::clone(&self.deps);
        // Runs to the end whether anybody waits or not.
        let task = tokio::spawn(async move {
            let answer = match deps.ledger.execute(command).await {
                Ok(outcome) => Answer::of(outcome),
                Err(error) => Err(error.into()),
            };
            let new = answer.as_ref().ok().filter(|answer| !answer.replayed);
            let asks = new.filter(|it| it.operation.status == Status::Processing).map(|it| it.operation.clone());
            // Whoever waited may have gone.
            let _gone = told.send(answer);
            match asks {
                Some(refund) => deps.cashier.give_back(&refund).await.map(Some),
                None => Ok(None),
            }
        });
        let answer = started.await.map_err(|_| ServiceError::Internal)??;
        let within = Duration::from_millis(self.answer_within_ms());
        match timeout(within, task).await {
            Ok(Ok(Ok(Some(operation)))) => Ok(Answer { operation, ..answer }),
            _ => Ok(answer),
        }
    }
}

impl Topups {
    /// A page of the refunds of a top-up, newest first.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when the top-up is unknown or outside the caller's subtrees; [`ServiceError`].
    pub async fn refunds(
        &self,
        caller: &Caller,
        topup: OperationId,
        after: Option<OperationId>,
        limit: u32,
    ) -> Result<OperationPage, ServiceError> {
        self.get(caller, topup).await?;
        let items = self.deps.lists.refunds(topup, after, limit + 1).await?;
        Ok(OperationPage::of(items, limit))
    }
}

impl Cashier {
    /// The top-up that a refund is of.
    async fn refunded(&self, refund: &Operation) -> Result<Operation, ServiceError> {
        let topup = refund.refund().and_then(|refund| refund.topup().ok()).ok_or(ServiceError::Internal)?;
        self.reads.operation(topup).await?.ok_or(ServiceError::Internal)
    }

    /// Asks the acquirer to give the money of a refund back: once.
    pub(super) async fn give_back(&self, refund: &Operation) -> Result<Arc<Operation>, ServiceError> {
        let topup = self.refunded(refund).await?;
        let acquirer = acquirer_of(refund)?;
        let (peer, payment) = self.payment(&topup, &acquirer)?;
        let amount = Money::from_minor(refund.amount_minor, self.config.currency);
        let submit_by = refund.created_at.plus_ms(self.config.acquirer_deadline_ms);
        let order = acquirer::RefundOrder { payment, refund: refund_id(refund.id), amount, submit_by };
        let (reference, evidence) = match peer.refund(&order).await {
            Outcome::Done(done) if done.settled && done.amount == amount => {
                (Some(done.reference), RefundEvidence::Given)
            }
            // Accepted: told later.
            Outcome::Done(done) => (Some(done.reference), RefundEvidence::Unknown),
            Outcome::Refused(_) => (None, RefundEvidence::NotGiven(Decline::PaymentDeclined)),
            Outcome::NotSent(NotSent::NotOffered) => (None, RefundEvidence::NotGiven(Decline::PaymentNotOffered)),
            Outcome::NotSent(_) => (None, RefundEvidence::NotGiven(Decline::PaymentNotMade)),
            Outcome::Unknown { reference, .. } => (reference, RefundEvidence::Unknown),
        };
        self.settle_refund(refund, reference.as_ref(), evidence).await
    }

    /// Writes down what is known of a refund.
    ///
    /// # Errors
    /// [`ServiceError`] when it could not be written down.
    pub async fn settle_refund(
        &self,
        refund: &Operation,
        reference: Option<&AcquirerReference>,
        evidence: RefundEvidence,
    ) -> Result<Arc<Operation>, ServiceError> {
        let topup = refund.refund().and_then(|refund| refund.topup().ok()).ok_or(ServiceError::Internal)?;
        let settle = SettleRefund {
            operation: refund.id,
            topup,
            reseller: refund.reseller,
            acquirer: acquirer_of(refund)?.as_str().into(),
            reference: reference.map(|reference| reference.as_str().into()),
            evidence,
        };
        self.execute(Request::SettleRefund(settle)).await
    }

    /// Asks the acquirer what became of a refund that is not at its end.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn look_at_refund(&self, refund: &Operation) -> Result<(), ServiceError> {
        let now = self.clock.now();
        let answered_by = refund.created_at.plus_ms(self.config.acquirer_deadline_ms);
        if refund.status == Status::Processing && now <= answered_by {
            // Whoever asked waits for the answer.
            return Ok(());
        }
        let topup = self.refunded(refund).await?;
        let (peer, payment) = self.payment(&topup, &acquirer_of(refund)?)?;
        let mut evidence = RefundEvidence::Unknown;
        let mut reference = None;
        if let Lookup::Known(state) = peer.lookup(&payment).await {
            let ours = refund_id(refund.id);
            let told: i64 =
                state.refunds.iter().filter(|it| it.stage == RefundStage::Done).map(|it| it.amount.minor()).sum();
            match state.refunds.iter().find(|it| it.refund.as_ref() == Some(&ours)) {
                Some(found) => {
                    reference = Some(found.reference.clone());
                    evidence = match found.stage {
                        RefundStage::Done if found.amount.minor() == refund.amount_minor => RefundEvidence::Given,
                        RefundStage::Failed => RefundEvidence::NotGiven(Decline::PaymentDeclined),
                        RefundStage::Done | RefundStage::Pending => RefundEvidence::Unknown,
                    };
                }
                // Only an acquirer that tells all its refunds one by one says by silence that ours is none.
                None if now > answered_by.plus_ms(self.config.lookup_horizon_ms) && told == state.refunded.minor() => {
                    evidence = RefundEvidence::NotGiven(Decline::PaymentNotMade);
                }
                None => {}
            }
        }
        self.settle_refund(refund, reference.as_ref(), evidence).await.map(drop)
    }
}

fn acquirer_of(refund: &Operation) -> Result<AcquirerName, ServiceError> {
    let name = refund.refund().and_then(|refund| refund.acquirer.as_deref());
    name.and_then(|name| name.parse().ok()).ok_or(ServiceError::Internal)
}
