//! The one way of evidence to the ledger: late answers, inquiries, events and daily records all take it.

use std::sync::Arc;

use crate::domain::evidence::excerpt;
use crate::domain::{EvidenceKind, Operation, OperationId, OperationKind, Timestamp};
use crate::ledger::command::{Actor, Command, Evidence, Outcome, Request, Resolve, Source};
use crate::ports::{Ledger, LedgerError, LookupOutcome};

/// Evidence as it was received.
#[derive(Clone, Debug)]
pub struct Received {
    pub operation: OperationId,
    pub evidence: Evidence,
    pub source: Source,
}

impl Received {
    /// What was received about the refill that `operation` was sent with, as it was read; `received` becomes the excerpt.
    #[must_use]
    pub fn about(
        operation: &Operation,
        kind: EvidenceKind,
        evidence: Evidence,
        observed_at: Timestamp,
        received: &str,
    ) -> Self {
        let sent = operation.recharge();
        let about = sent.and_then(|recharge| Some((recharge.asked.last(), recharge.charging_reference?)));
        let excerpt = excerpt(received, about.map_or(0, |(_, reference)| reference));
        let source = Source { kind, about, observed_at, excerpt };
        Self { operation: operation.id, evidence, source }
    }

    /// Nothing, until the deadline.
    #[must_use]
    pub fn silence(operation: OperationId, observed_at: Timestamp) -> Self {
        Self { operation, evidence: Evidence::NoAnswer, source: Source::answer(observed_at) }
    }
}

/// What an answer to an inquiry is as evidence, and what is kept of it; `None` where there is no answer to be had.
#[must_use]
pub fn of_lookup(found: LookupOutcome) -> Option<(Evidence, String)> {
    Some(match found {
        LookupOutcome::Applied => (Evidence::Applied, "applied".into()),
        LookupOutcome::NotApplied(decline) => {
            (Evidence::NotApplied(decline), format!("not applied: {}", decline.code()))
        }
        LookupOutcome::NotKnown => (Evidence::NotKnown, "not known".into()),
        LookupOutcome::Unknown(why) => (Evidence::Nothing, why),
        LookupOutcome::NotOffered => return None,
    })
}

/// Tells the ledger; gives the recharge as it stands then.
///
/// # Errors
/// As [`Ledger::execute`]; `None` for an answer that is about no operation.
pub async fn tell(
    ledger: &dyn Ledger,
    actor: Actor,
    received: Received,
) -> Result<Arc<Operation>, Option<LedgerError>> {
    let Received { operation, evidence, source } = received;
    let kind = source.kind;
    let weighs = !matches!(evidence, Evidence::NoAnswer | Evidence::NotOurs { .. });
    let request = Request::Resolve(Resolve { operation, evidence, source });
    match ledger.execute(Command { actor, request }).await {
        Ok(Outcome::Unchanged(operation)) => {
            if weighs {
                metrics::counter!("taabia_evidence_repeated_total", "kind" => kind.name()).increment(1);
            }
            Ok(operation)
        }
        Ok(outcome) => outcome.operation().cloned().ok_or(None),
        Err(error) => {
            let id = OperationKind::Recharge.render(operation);
            tracing::error!(recharge.id = id, %error, "evidence was not recorded");
            Err(Some(error))
        }
    }
}
