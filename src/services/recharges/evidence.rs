//! What moves a recharge on: answers of charging systems, and what they tell by themselves.

use std::sync::Arc;

use super::{RechargeDeps, Recharges};
use crate::domain::{Decline, Operation, OperationId, OperationKind, Status, SystemName};
use crate::ledger::Refusal;
use crate::ledger::command::{Actor, Command, Evidence, Request, Resolve};
use crate::ports::charging::{EventError, Told};
use crate::ports::{LedgerError, LookupOutcome};

/// What became of something that a charging system told by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    Taken,
    /// About nothing of ours, or of no news.
    Irrelevant,
    /// The sender did not prove who it is.
    Unsigned,
    Unreadable,
    /// It could not be written down: to be sent again.
    Later,
}

impl Heard {
    fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Irrelevant => "irrelevant",
            Self::Unsigned => "forged",
            Self::Unreadable => "unreadable",
            Self::Later => "not_written_down",
        }
    }
}

impl RechargeDeps {
    /// Moves a recharge on by evidence. What contradicts a final outcome is a case for reconciliation
    /// (`domain.md` \[3\]).
    pub(super) async fn resolve(
        &self,
        id: OperationId,
        actor: Actor,
        evidence: Evidence,
    ) -> Result<Arc<Operation>, Option<LedgerError>> {
        let resolve = Resolve { operation: id, evidence };
        match self.ledger.execute(Command { actor, request: Request::Resolve(resolve) }).await {
            Ok(outcome) => outcome.operation().cloned().ok_or(None),
            Err(error) => {
                if matches!(error, LedgerError::Refused(Refusal::IllegalTransition { .. })) {
                    metrics::counter!("taabia_contradicting_evidence_total").increment(1);
                }
                tracing::error!(recharge.id = %OperationKind::Recharge.render(id), %error, "not resolved");
                Err(Some(error))
            }
        }
    }
}

impl Recharges {
    /// Takes what was sent in the name of a charging system; `None` when there is none of the name that tells anything.
    ///
    /// It counts when it is about a refill that this system was the last to be asked for: of one that was sent on, the
    /// systems before have said that the line is not their own.
    pub async fn hear(&self, system: SystemName, authorization: &str, body: &[u8]) -> Option<Heard> {
        let charging = self.deps.charging.get(system)?;
        let heard = match charging.read_event(authorization, body) {
            Ok(told) => self.told(system, told).await,
            Err(EventError::NotOffered) => return None,
            Err(EventError::Unsigned) => Heard::Unsigned,
            Err(EventError::Unreadable) => Heard::Unreadable,
            Err(EventError::Irrelevant) => Heard::Irrelevant,
        };
        metrics::counter!("taabia_charging_events_total", "system" => system.to_string(), "kind" => heard.name())
            .increment(1);
        Some(heard)
    }

    async fn told(&self, system: SystemName, told: Told) -> Heard {
        let Ok(operation) = self.deps.reads.operation(told.operation).await else { return Heard::Later };
        let Some(operation) = operation else { return Heard::Irrelevant };
        let ours = operation.recharge().is_some_and(|recharge| {
            recharge.charging_reference == Some(told.reference) && recharge.asked.last() == system
        });
        if !ours {
            return Heard::Irrelevant;
        }
        let evidence = match told.outcome {
            LookupOutcome::Applied => Evidence::Applied,
            // Whoever waits for the answer may ask another system; after the deadline nobody does.
            LookupOutcome::NotApplied(Decline::SubscriberUnknown) if operation.status == Status::Submitted => {
                return Heard::Irrelevant;
            }
            LookupOutcome::NotApplied(decline) => Evidence::NotApplied(decline),
            LookupOutcome::NotKnown | LookupOutcome::Unknown(_) | LookupOutcome::NotOffered => {
                return Heard::Irrelevant;
            }
        };
        match self.deps.resolve(operation.id, "system:charging-event".into(), evidence).await {
            // A contradiction does not become less of one by being sent again.
            Ok(_) | Err(Some(LedgerError::Refused(_))) => Heard::Taken,
            Err(_) => Heard::Later,
        }
    }
}
