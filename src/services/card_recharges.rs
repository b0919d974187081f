//! Recharges that subscribers pay for by card: sold from the stock that the card paid for, or the money goes back.
//!
//! Every step can be taken again, by whoever comes after a crash: the recharge has its id and its key from the top-up,
//! and each attempt to give the money back has a key of its own.

use std::sync::Arc;

use super::caller::ServiceError;
use super::cashier::Cashier;
use super::recharges::Answer;
use crate::domain::card_recharge::CardRechargeStage;
use crate::domain::{ExternalId, Operation, OperationKind, Status};
use crate::ledger::Outcome;
use crate::ledger::command::{Actor, Command, Request, Reserve, StartRefund, TopupEvidence};
use crate::ports::draw_operation;

/// Who sells what a card paid for, as the journal records it.
const ACTOR: &str = "system:card-recharge";
/// Attempts to give the money of one back; after them a person has to.
const REFUNDS: u32 = 20;

/// The key of the recharge: the id of its top-up, which nobody knew before.
fn key(topup: &Operation) -> ExternalId {
    OperationKind::Topup.render(topup.id).parse().expect("a rendered id fits")
}

fn refund_key(topup: &Operation, attempt: u32) -> ExternalId {
    let text = format!("{}-refund-{attempt}", OperationKind::Topup.render(topup.id));
    text.parse().expect("a rendered id with a suffix fits")
}

impl Cashier {
    /// Brings the recharge that a top-up is for as far as it comes now; the top-up as it stands after that.
    ///
    /// # Errors
    /// [`ServiceError`] when a step could not be written down: it is taken again later.
    pub async fn recharge(&self, topup: Arc<Operation>) -> Result<Arc<Operation>, ServiceError> {
        if !topup.waits_for_recharge() {
            return Ok(topup);
        }
        let sold = match self.sold(&topup).await? {
            Some(sold) => sold,
            // Its money went back before it was sold.
            None if topup.status != Status::Credited => {
                return self.advance(&topup, None, TopupEvidence::Recharged(CardRechargeStage::Declined)).await;
            }
            None => self.sell(&topup).await?,
        };
        match sold.status {
            Status::Completed | Status::ReversalPending | Status::Reversed => {
                self.advance(&topup, None, TopupEvidence::Recharged(CardRechargeStage::Completed)).await
            }
            Status::Declined if self.is_given_back(&topup).await? => {
                self.advance(&topup, None, TopupEvidence::Recharged(CardRechargeStage::Declined)).await
            }
            // The outcome is the charging system's to tell, or the acquirer's.
            _ => Ok(topup),
        }
    }

    async fn sold(&self, topup: &Operation) -> Result<Option<Arc<Operation>>, ServiceError> {
        let found = self.reads.operation_by_key(topup.id.shard(), topup.partner, topup.reseller, &key(topup)).await?;
        Ok(found.map(Arc::new))
    }

    async fn sell(&self, topup: &Operation) -> Result<Arc<Operation>, ServiceError> {
        let asked = topup.topup().and_then(|topup| topup.waiting_recharge()).ok_or(ServiceError::Internal)?;
        let (msisdn, salt) = asked.subscriber().ok_or(ServiceError::Internal)?;
        let reserve = Reserve {
            operation: asked.operation().ok_or(ServiceError::Internal)?,
            partner: topup.partner,
            reseller: topup.reseller,
            external_id: key(topup),
            msisdn,
            salt,
            amount_minor: topup.amount_minor,
            product: asked.product.clone(),
            channel: asked.channel().ok_or(ServiceError::Internal)?,
            terminal: None,
            allow_repeat: asked.allow_repeat,
            system: self.recharges.first_system(msisdn),
        };
        let command = Command { actor: Actor::from(ACTOR), request: Request::Reserve(reserve) };
        let Answer { operation, .. } = self.recharges.place(command).await?;
        Ok(operation)
    }

    /// Gives the money back, or finds that it has been. An attempt that the acquirer refused is followed by another.
    async fn is_given_back(&self, topup: &Operation) -> Result<bool, ServiceError> {
        if topup.status != Status::Credited {
            return Ok(true);
        }
        for attempt in 1..=REFUNDS {
            let key = refund_key(topup, attempt);
            let shard = topup.id.shard();
            match self.reads.operation_by_key(shard, topup.partner, topup.reseller, &key).await? {
                Some(refund) if refund.status == Status::Declined => {}
                Some(refund) => return Ok(refund.status == Status::Refunded),
                None => {
                    let refund = self.start_refund(topup, key).await?;
                    return Ok(refund.status == Status::Refunded);
                }
            }
        }
        let id = OperationKind::Topup.render(topup.id);
        tracing::error!(topup.id = id, "the money of a declined recharge cannot be given back: somebody must do it");
        Ok(false)
    }

    async fn start_refund(&self, topup: &Operation, external_id: ExternalId) -> Result<Arc<Operation>, ServiceError> {
        let start = StartRefund {
            operation: draw_operation(&*self.clock, &*self.randomness, topup.id.shard()),
            partner: topup.partner,
            external_id,
            topup: topup.id,
            reseller: topup.reseller,
            asked_minor: None,
            reason: "the recharge was declined".into(),
        };
        let command = Command { actor: Actor::from(ACTOR), request: Request::StartRefund(start) };
        let outcome = self.ledger.execute(command).await?;
        let new = matches!(outcome, Outcome::Decided(_));
        let refund = outcome.operation().cloned().ok_or(ServiceError::Internal)?;
        if new && refund.status == Status::Processing {
            return self.give_back(&refund).await;
        }
        Ok(refund)
    }
}
