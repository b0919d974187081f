//! Transfers and returns of stock between resellers.
//!
//! Whoever acts for the sender sends and cancels; whoever acts for the receiver accepts or refuses.

use std::sync::Arc;

use super::caller::{Caller, ServiceError};
use super::directory::Directory;
use super::operation_list::{self, OperationFilter, OperationPage};
use super::recharges::Answer;
use crate::domain::{Edge, ExternalId, Operation, OperationId, Relation, ResellerId, Status, Transfer, TransferKind};
use crate::ledger::command::{Command, Outcome, Request, SettleTransfer, Settlement, TransferStock};
use crate::ports::{Clock, Ledger, Randomness, Reads, TransferReads, draw_operation};

/// A validated order.
#[derive(Clone, Debug)]
pub struct TransferOrder {
    pub external_id: ExternalId,
    pub from: ResellerId,
    /// `None` is the operator.
    pub to: Option<ResellerId>,
    pub kind: TransferKind,
    pub amount_minor: i64,
    pub asks_acceptance: bool,
}

/// The use cases of transfers.
pub struct Transfers {
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn Reads>,
    pub lists: Arc<dyn TransferReads>,
    pub directory: Arc<Directory>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
    /// Along which stock may move, as the ledger's rules have them.
    pub edges: Vec<Edge>,
}

impl Transfers {
    /// Moves stock, or sets it aside until it is accepted.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when the sender is not the caller's, or the caller has no way to see the receiver.
    pub async fn create(&self, caller: &Caller, order: TransferOrder) -> Result<Answer, ServiceError> {
        self.directory.authorise(caller, order.from).await?;
        if let Some(to) = order.to {
            self.see_receiver(caller, order.from, to).await?;
        }
        let transfer = TransferStock {
            operation: self.draw(order.from),
            partner: caller.partner,
            external_id: order.external_id,
            from: order.from,
            to: order.to,
            kind: order.kind,
            amount_minor: order.amount_minor,
            asks_acceptance: order.asks_acceptance,
        };
        self.execute(caller, Request::TransferStock(transfer)).await
    }

    /// Accepts or refuses for the receiver.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when the receiver is not the caller's; [`ServiceError::DecidedAlready`].
    pub async fn decide(&self, caller: &Caller, id: OperationId, accept: bool) -> Result<Answer, ServiceError> {
        let (from, to) = self.ends(id).await?;
        self.directory.authorise(caller, to.ok_or(ServiceError::NotFound)?).await?;
        let settlement = if accept { Settlement::Accept } else { Settlement::Refuse };
        self.settle(caller, id, (from, to), settlement).await
    }

    /// Takes a transfer back that has not been accepted yet.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when the sender is not the caller's; [`ServiceError::DecidedAlready`].
    pub async fn cancel(&self, caller: &Caller, id: OperationId) -> Result<Answer, ServiceError> {
        let (from, to) = self.ends(id).await?;
        self.directory.authorise(caller, from).await?;
        self.settle(caller, id, (from, to), Settlement::Cancel).await
    }

    /// # Errors
    /// [`ServiceError::NotFound`] when unknown, or neither end is the caller's.
    pub async fn get(&self, caller: &Caller, id: OperationId) -> Result<Operation, ServiceError> {
        let operation = self.reads.operation(id).await?.ok_or(ServiceError::NotFound)?;
        let Transfer { to, .. } = *operation.transfer().ok_or(ServiceError::NotFound)?;
        match (self.directory.authorise(caller, operation.reseller).await, to) {
            (Err(ServiceError::NotFound), Some(to)) => self.directory.authorise(caller, to).await?,
            (answer, _) => answer?,
        }
        Ok(operation)
    }

    /// # Errors
    /// [`ServiceError`].
    pub async fn list(&self, caller: &Caller, filter: OperationFilter) -> Result<OperationPage, ServiceError> {
        let is_of_kind = |operation: &Operation| operation.transfer().is_some();
        let fetch = |query| async move { self.lists.transfers(&query).await };
        operation_list::page(&self.directory, &*self.reads, caller, filter, is_of_kind, fetch).await
    }

    /// A caller sees what lies in its subtrees, and beyond them only where stock may go from there: above the sender,
    /// and beside it where siblings may send to each other.
    async fn see_receiver(&self, caller: &Caller, from: ResellerId, to: ResellerId) -> Result<(), ServiceError> {
        let inside = self.directory.authorise(caller, to).await;
        if inside != Err(ServiceError::NotFound) {
            return inside;
        }
        let relation = self.directory.relation(from, to).await?;
        let permitted = relation != Relation::Elsewhere && self.edges.iter().any(|edge| edge.relation == relation);
        if permitted { Ok(()) } else { Err(ServiceError::NotFound) }
    }

    async fn ends(&self, id: OperationId) -> Result<(ResellerId, Option<ResellerId>), ServiceError> {
        let operation = self.reads.operation(id).await?.ok_or(ServiceError::NotFound)?;
        let transfer = operation.transfer().ok_or(ServiceError::NotFound)?;
        Ok((operation.reseller, transfer.to))
    }

    async fn settle(
        &self,
        caller: &Caller,
        operation: OperationId,
        (from, to): (ResellerId, Option<ResellerId>),
        settlement: Settlement,
    ) -> Result<Answer, ServiceError> {
        let Some(to) = to else {
            // Given back to the operator: it never waited.
            return Err(ServiceError::DecidedAlready { status: Status::Completed });
        };
        self.execute(caller, Request::SettleTransfer(SettleTransfer { operation, from, to, settlement })).await
    }

    async fn execute(&self, caller: &Caller, request: Request) -> Result<Answer, ServiceError> {
        match self.ledger.execute(Command { actor: caller.actor(), request }).await? {
            Outcome::Decided(operation) => Ok(Answer { operation, replayed: false }),
            Outcome::Replayed(operation) | Outcome::Unchanged(operation) => Ok(Answer { operation, replayed: true }),
            Outcome::Recorded | Outcome::Put(_) | Outcome::Tried(_) => Err(ServiceError::Internal),
        }
    }

    fn draw(&self, from: ResellerId) -> OperationId {
        draw_operation(&*self.clock, &*self.randomness, self.directory.shard_of(from))
    }
}
