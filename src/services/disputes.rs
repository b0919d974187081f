//! Disputes of payments: what the acquirer tells of them is booked, what it did not tell is asked for.

use std::sync::Arc;

use super::caller::ServiceError;
use super::cashier::Cashier;
use crate::acquiring::AcquirerName;
use crate::domain::{DisputeStage, Operation, OperationKind, Status};
use crate::ledger::command::{BookDispute, Request, TendDisputes};
use crate::ports::acquirer::{DisputeState, Lookup};

impl Cashier {
    /// Books how a dispute of a top-up stands. What is known already changes nothing.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when the top-up's money is another acquirer's; [`ServiceError`].
    pub async fn book_dispute(
        &self,
        operation: &Operation,
        acquirer: &AcquirerName,
        told: &DisputeState,
    ) -> Result<Arc<Operation>, ServiceError> {
        if told.amount.currency() != self.config.currency {
            let id = OperationKind::Topup.render(operation.id);
            tracing::error!(topup.id = id, %acquirer, "a dispute is in another currency: somebody must look at it");
            return Ok(Arc::new(operation.clone()));
        }
        let book = BookDispute {
            operation: operation.id,
            reseller: operation.reseller,
            acquirer: acquirer.as_str().into(),
            dispute: told.reference.as_str().into(),
            amount_minor: told.amount.minor(),
            stage: told.stage,
        };
        let after = self.execute(Request::BookDispute(book)).await?;
        if after.last_sequence != operation.last_sequence {
            metrics::counter!("taabia_disputes_total", "stage" => told.stage.name()).increment(1);
        }
        Ok(after)
    }

    /// Looks after a top-up whose money was taken: its disputes, and its stock where that has not come.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub(super) async fn look_after(&self, operation: &Operation) -> Result<(), ServiceError> {
        let topup = operation.topup().ok_or(ServiceError::Internal)?;
        let acquirer = topup.payment.acquirer.as_deref().and_then(|name| name.parse::<AcquirerName>().ok());
        if let Some(acquirer) = &acquirer {
            if topup.wants_tending() {
                let (id, reseller) = (operation.id, operation.reseller);
                let tend = TendDisputes { operation: id, reseller, acquirer: acquirer.as_str().into() };
                self.execute(Request::TendDisputes(tend)).await?;
            }
            if topup.is_disputed() {
                self.look_at_dispute(operation, acquirer).await?;
            }
        }
        let mut operation = Arc::new(operation.clone());
        if operation.status == Status::Captured {
            operation = self.credit(&operation).await?;
        }
        self.recharge(operation).await.map(drop)
    }

    /// Asks how a dispute stands, for an end that nobody told.
    async fn look_at_dispute(&self, operation: &Operation, acquirer: &AcquirerName) -> Result<(), ServiceError> {
        let (peer, payment) = self.payment(operation, acquirer)?;
        if let Lookup::Known(state) = peer.lookup(&payment).await
            && let Some(told) = &state.dispute
            && told.stage != DisputeStage::Open
        {
            self.book_dispute(operation, acquirer, told).await?;
        }
        Ok(())
    }
}
