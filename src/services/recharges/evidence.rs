//! What charging systems tell by themselves.

use super::super::evidence::{Received, of_lookup, tell};
use super::Recharges;
use crate::domain::{Decline, EvidenceKind, Status, SystemName};
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

impl Recharges {
    /// Takes what was sent in the name of a charging system; `None` when there is none of the name that tells anything.
    ///
    /// It counts when it is about a refill that this system was the last to be asked for: of one that was sent on, the
    /// systems before have said that the line is not their own.
    pub async fn hear(&self, system: SystemName, authorization: &str, body: &[u8]) -> Option<Heard> {
        let charging = self.deps.charging.get(system)?;
        let heard = match charging.read_event(authorization, body) {
            Ok(told) => self.told(system, told, body).await,
            Err(EventError::NotOffered) => return None,
            Err(EventError::Unsigned) => Heard::Unsigned,
            Err(EventError::Unreadable) => Heard::Unreadable,
            Err(EventError::Irrelevant) => Heard::Irrelevant,
        };
        metrics::counter!("taabia_charging_events_total", "system" => system.to_string(), "kind" => heard.name())
            .increment(1);
        Some(heard)
    }

    async fn told(&self, system: SystemName, told: Told, body: &[u8]) -> Heard {
        let Ok(operation) = self.deps.reads.operation(told.operation).await else { return Heard::Later };
        let Some(operation) = operation else { return Heard::Irrelevant };
        let ours = operation.recharge().is_some_and(|recharge| {
            recharge.charging_reference == Some(told.reference) && recharge.asked.last() == system
        });
        if !ours {
            return Heard::Irrelevant;
        }
        let unheard = match told.outcome {
            // Whoever waits for the answer may ask another system; after the deadline nobody does.
            LookupOutcome::NotApplied(Decline::SubscriberUnknown) => operation.status == Status::Submitted,
            LookupOutcome::Applied | LookupOutcome::NotApplied(_) => false,
            LookupOutcome::NotKnown | LookupOutcome::Unknown(_) | LookupOutcome::NotOffered => true,
        };
        let Some((evidence, _)) = of_lookup(told.outcome).filter(|_| !unheard) else { return Heard::Irrelevant };
        let now = self.deps.clock.now();
        let received = Received::about(&operation, EvidenceKind::Event, evidence, now, &String::from_utf8_lossy(body));
        match tell(&*self.deps.ledger, "system:charging-event".into(), received).await {
            // A contradiction does not become less of one by being sent again.
            Ok(_) | Err(Some(LedgerError::Refused(_))) => Heard::Taken,
            Err(_) => Heard::Later,
        }
    }
}
