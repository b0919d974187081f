//! What needs two persons: proposing, deciding, looking. API clients stand for persons.

use std::sync::Arc;

use super::caller::{Caller, ServiceError};
use super::directory::Directory;
use super::recharges::Answer;
use crate::domain::{
    DocumentReference, ExternalId, Operation, OperationId, OperationKind, Proposal, Reason, Ruling, Shard,
};
use crate::ledger::command::{Command, Propose, Request, Rule};
use crate::ports::{Clock, Ledger, Randomness, Reads, draw_operation};

/// A validated proposal.
#[derive(Clone, Debug)]
pub struct ProposalOrder {
    pub external_id: ExternalId,
    pub proposal: Proposal,
    pub amount_minor: i64,
    pub reason: Reason,
    pub document: DocumentReference,
}

/// The use cases of what needs two persons.
pub struct FourEyes {
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn Reads>,
    pub directory: Arc<Directory>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
}

impl FourEyes {
    /// Asks for an approval.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn propose(&self, caller: &Caller, order: ProposalOrder) -> Result<Answer, ServiceError> {
        if let Some(reseller) = order.proposal.reseller() {
            self.directory.authorise(caller, reseller).await?;
        }
        let propose = Propose {
            operation: draw_operation(&*self.clock, &*self.randomness, Shard::OPERATOR),
            external_id: order.external_id,
            proposal: order.proposal,
            amount_minor: order.amount_minor,
            maker: caller.client,
            reason: order.reason,
            document: order.document,
        };
        let actor = caller.actor().because(propose.reason.as_str());
        let command = Command { actor, request: Request::Propose(propose) };
        Answer::of(self.ledger.execute(command).await?)
    }

    /// Approves or refuses.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn rule(
        &self,
        caller: &Caller,
        (kind, id): (OperationKind, OperationId),
        ruling: Ruling,
        reason: Reason,
    ) -> Result<Answer, ServiceError> {
        let operation = self.get(caller, (kind, id)).await?;
        let reseller = operation.four_eyes().and_then(|eyes| eyes.proposal.reseller());
        let asked = operation.four_eyes().and_then(|eyes| eyes.proposal.resolution());
        let resolution = asked.cloned().map(Box::new);
        let statement = operation.four_eyes().and_then(|eyes| eyes.proposal.statement()).copied();
        let rule = Rule { operation: id, reseller, resolution, statement, checker: caller.client, ruling, reason };
        let actor = caller.actor().because(rule.reason.as_str());
        let command = Command { actor, request: Request::Rule(rule) };
        Answer::of(self.ledger.execute(command).await?)
    }

    /// What was stated about recharges, the oldest first.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn statements(&self, recharges: &[OperationId]) -> Result<Vec<Operation>, ServiceError> {
        if recharges.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for id in self.reads.statements(recharges).await? {
            found.extend(self.reads.operation(id).await?);
        }
        Ok(found)
    }

    /// # Errors
    /// [`ServiceError::NotFound`] when it is unknown, of another kind, or about a reseller outside the caller's subtrees.
    pub async fn get(
        &self,
        caller: &Caller,
        (kind, id): (OperationKind, OperationId),
    ) -> Result<Operation, ServiceError> {
        let found = self.reads.operation(id).await?.filter(|operation| operation.kind() == kind);
        let operation = found.ok_or(ServiceError::NotFound)?;
        if let Some(reseller) = operation.four_eyes().and_then(|eyes| eyes.proposal.reseller()) {
            self.directory.authorise(caller, reseller).await?;
        }
        Ok(operation)
    }
}
