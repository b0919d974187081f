//! What ends a doubt: the rules of each charging system, and what an item of evidence is worth by them.
//!
//! There is no way out of doubt but [`Proof::Item`]: an outcome comes with the item that decided it, in one entry.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::books::{ShardBooks, Step, Subject};
use super::command::{Evidence, Refusal, Resolve, Source};
use super::rules::Moment;
use crate::domain::{
    Decline, Effect, EntryKind, EvidenceItem, EvidenceKind, Operation, OperationId, Recharge, Says, Status, SystemName,
    Timestamp,
};

/// What ends a doubt at one charging system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemRules {
    /// Kinds of evidence that decide; what is of another kind is recorded and decides nothing.
    pub decided_by: Vec<EvidenceKind>,
    /// How long after `submit_by` an inquiry must be sent for "not known" to count (`domain.md` \[5\]); `None`: it never does.
    pub miss_counts_after_ms: Option<i64>,
    /// An inquiry that ends a doubt comes within this time once one may.
    pub inquired_within_ms: i64,
    /// How long after `submit_by` the daily record has come, where no inquiry ends a doubt.
    pub recorded_within_ms: i64,
}

impl Default for SystemRules {
    /// All that is received decides, a miss after ten seconds.
    fn default() -> Self {
        Self {
            decided_by: EvidenceKind::ALL.to_vec(),
            miss_counts_after_ms: Some(10_000),
            inquired_within_ms: 40_000,
            recorded_within_ms: 129_600_000,
        }
    }
}

impl SystemRules {
    #[must_use]
    pub fn lets_decide(&self, kind: EvidenceKind) -> bool {
        self.decided_by.contains(&kind)
    }

    /// When the outcome of a doubt is known at the latest: the promise that partners get.
    #[must_use]
    pub fn promised_at(&self, submit_by: Timestamp) -> Timestamp {
        let by_inquiry = self.miss_counts_after_ms.filter(|_| self.lets_decide(EvidenceKind::Inquiry));
        let after_ms = match by_inquiry {
            Some(horizon_ms) => horizon_ms.saturating_add(self.inquired_within_ms),
            None => self.recorded_within_ms,
        };
        submit_by.plus_ms(after_ms)
    }

    /// The outcome that this proves of a refill whose time was over at `submit_by`; `None`: it proves nothing, or not yet.
    #[must_use]
    pub fn outcome(
        &self,
        kind: EvidenceKind,
        says: Says,
        submit_by: Timestamp,
        observed_at: Timestamp,
    ) -> Option<Result<(), Decline>> {
        if !self.lets_decide(kind) {
            return None;
        }
        // Nobody states anything while the promise can still be kept without.
        if kind == EvidenceKind::Statement && observed_at < self.promised_at(submit_by) {
            return None;
        }
        // A record may have been written while the request was on its way.
        if kind == EvidenceKind::DailyRecord && says != Says::Applied && observed_at <= submit_by {
            return None;
        }
        match says {
            Says::Applied => Some(Ok(())),
            Says::NotApplied(decline) => Some(Err(decline)),
            Says::NotKnown => {
                let horizon_ms = self.miss_counts_after_ms.filter(|_| kind == EvidenceKind::Inquiry)?;
                (observed_at > submit_by.plus_ms(horizon_ms)).then_some(Err(Decline::ChargingDeclined))
            }
            Says::Nothing => None,
        }
    }
}

/// What ends a doubt, by charging system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvidenceRules {
    /// Where nothing else is said.
    pub standard: SystemRules,
    pub systems: BTreeMap<SystemName, SystemRules>,
}

impl EvidenceRules {
    #[must_use]
    pub fn of(&self, system: SystemName) -> &SystemRules {
        self.systems.get(&system).unwrap_or(&self.standard)
    }

    /// When the outcome of a recharge without one is known at the latest.
    #[must_use]
    pub fn promised_at(&self, recharge: &Recharge) -> Timestamp {
        self.of(recharge.asked.last()).promised_at(recharge.submit_by)
    }
}

/// What was received about doubts of a shard, as far as it is in memory: good for one batch.
#[derive(Clone, Debug, Default)]
pub struct Evidences(HashMap<OperationId, Vec<Arc<EvidenceItem>>>);

impl Evidences {
    /// All that the store has of an operation.
    pub fn admit(&mut self, operation: OperationId, items: Vec<Arc<EvidenceItem>>) {
        self.0.insert(operation, items);
    }

    #[must_use]
    pub fn knows(&self, operation: OperationId) -> bool {
        self.0.contains_key(&operation)
    }

    /// An item that is recorded now.
    pub(super) fn remember(&mut self, item: EvidenceItem) -> Arc<EvidenceItem> {
        let item = Arc::new(item);
        self.0.entry(item.operation).or_default().push(item.clone());
        item
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether the same was said before.
    fn has_like(&self, item: &EvidenceItem) -> bool {
        self.0.get(&item.operation).is_some_and(|items| items.iter().any(|known| known.repeats(item)))
    }
}

impl ShardBooks {
    #[must_use]
    pub fn evidence(&self) -> &Evidences {
        &self.evidence
    }

    pub fn evidence_mut(&mut self) -> &mut Evidences {
        &mut self.evidence
    }
}

/// What brings a recharge to its end.
#[derive(Clone, Debug)]
pub enum Proof {
    /// It was never in doubt: the answer came before its deadline.
    InTime,
    Item(EvidenceItem),
}

impl Proof {
    pub(super) fn item(self) -> Option<EvidenceItem> {
        match self {
            Self::InTime => None,
            Self::Item(item) => Some(item),
        }
    }
}

/// What is to be made of something that was received.
#[derive(Debug)]
pub enum Weighed {
    Decides(Result<(), Decline>, Proof),
    /// Recorded, and nothing moves.
    Noted(EvidenceItem),
    /// Nothing is written.
    Nothing,
}

/// What a command says about the refill.
fn says(evidence: Evidence) -> Says {
    match evidence {
        Evidence::Applied => Says::Applied,
        Evidence::NotApplied(decline) => Says::NotApplied(decline),
        Evidence::NotKnown => Says::NotKnown,
        Evidence::Nothing | Evidence::NoAnswer | Evidence::NotOurs { .. } => Says::Nothing,
    }
}

/// Whether a recharge is in doubt: it was said to be, or its time to be answered is over.
#[must_use]
pub fn is_doubtful(operation: &Operation, at: Timestamp) -> bool {
    let over = operation.recharge().is_some_and(|recharge| at > recharge.submit_by);
    operation.status == Status::InDoubt || (operation.status == Status::Submitted && over)
}

/// Whether a command may need to know what was received before about its operation. Of one that is not said to be in
/// doubt nothing was recorded.
#[must_use]
pub fn reads_earlier(operation: &Operation, command: &Resolve) -> bool {
    let silent = matches!(command.evidence, Evidence::NoAnswer | Evidence::NotOurs { .. });
    !silent && operation.recharge().is_some() && operation.status != Status::Submitted
}

/// What is to be made of evidence about a recharge, by the rules of the charging system that was asked last.
///
/// # Errors
/// [`Refusal::IllegalTransition`] when no charging system was ever asked and this says that one did something.
pub fn weigh(
    books: &ShardBooks,
    operation: &Operation,
    command: &Resolve,
    moment: &Moment<'_>,
) -> Result<Weighed, Refusal> {
    // Two persons state something by a proposal and its approval alone.
    if command.source.kind == EvidenceKind::Statement {
        return Ok(Weighed::Nothing);
    }
    weigh_as(books, operation, says(command.evidence), &command.source, moment)
}

/// The same of anything that says something.
pub(super) fn weigh_as(
    books: &ShardBooks,
    operation: &Operation,
    says: Says,
    source: &Source,
    moment: &Moment<'_>,
) -> Result<Weighed, Refusal> {
    let sent = operation.recharge().and_then(|recharge| Some((recharge, recharge.charging_reference?)));
    let Some((recharge, reference)) = sent else {
        let agrees = operation.status == Status::Declined && says != Says::Applied;
        return if agrees { Ok(Weighed::Nothing) } else { Err(Refusal::IllegalTransition { from: operation.status }) };
    };
    if source.about.is_some_and(|about| about != (recharge.asked.last(), reference)) {
        return Ok(Weighed::Nothing);
    }
    let at = books.recorded_at(moment.now);
    let rules = moment.rules.evidence.of(recharge.asked.last());
    let outcome = || rules.outcome(source.kind, says, recharge.submit_by, source.observed_at.min(at));
    let item = |effect| item(operation.id, (recharge, reference), says, source, effect, moment);
    let noted = |item: EvidenceItem| {
        if books.evidence().has_like(&item) { Weighed::Nothing } else { Weighed::Noted(item) }
    };
    Ok(match operation.status {
        Status::InDoubt => match outcome() {
            Some(outcome) => Weighed::Decides(outcome, Proof::Item(item(Effect::Decided))),
            None => noted(item(Effect::Nothing)),
        },
        Status::Submitted if is_doubtful(operation, at) => match outcome() {
            Some(outcome) => Weighed::Decides(outcome, Proof::Item(item(Effect::Decided))),
            // It is said to be in doubt first.
            None => Weighed::Nothing,
        },
        Status::Submitted => in_time(source.kind, says, outcome()),
        _ if contradicts(operation.status, says) => noted(item(Effect::Contradicts)),
        _ => Weighed::Nothing,
    })
}

/// An answer before the deadline is what was asked for; anything else before it counts by the rules.
fn in_time(kind: EvidenceKind, says: Says, by_rules: Option<Result<(), Decline>>) -> Weighed {
    let answered = match (kind, says) {
        (EvidenceKind::LateAnswer, Says::Applied) => Some(Ok(())),
        (EvidenceKind::LateAnswer, Says::NotApplied(decline)) => Some(Err(decline)),
        _ => by_rules,
    };
    answered.map_or(Weighed::Nothing, |outcome| Weighed::Decides(outcome, Proof::InTime))
}

/// Whether what is said cannot be true beside the outcome that stands.
fn contradicts(status: Status, says: Says) -> bool {
    match status {
        Status::Declined => says == Says::Applied,
        Status::Completed | Status::ReversalPending | Status::Reversed => says.decline().is_some(),
        _ => false,
    }
}

pub(super) fn item(
    operation: OperationId,
    (recharge, reference): (&Recharge, i64),
    says: Says,
    source: &Source,
    effect: Effect,
    moment: &Moment<'_>,
) -> EvidenceItem {
    EvidenceItem {
        operation,
        kind: source.kind,
        system: recharge.asked.last(),
        reference,
        says,
        observed_at: source.observed_at,
        excerpt: source.excerpt.clone(),
        effect,
        submit_by: recharge.submit_by,
        promised_at: moment.rules.evidence.promised_at(recharge),
    }
}

/// Records what was received; the recharge stays as it is.
pub(super) fn noted(operation: &Operation, item: EvidenceItem) -> Step {
    let kind = if operation.is_open() { EntryKind::EvidenceRecorded } else { EntryKind::EvidenceContradicts };
    Step { evidence: Some(item), ..Step::about(kind, Subject::Operation(operation.clone())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBMIT_BY: Timestamp = Timestamp::EPOCH;

    fn proves(rules: &SystemRules, kind: EvidenceKind, says: Says, after_ms: i64) -> Option<Result<(), Decline>> {
        rules.outcome(kind, says, SUBMIT_BY, SUBMIT_BY.plus_ms(after_ms))
    }

    #[test]
    fn only_what_the_rules_name_decides() {
        let no = Says::NotApplied(Decline::SubscriberBarred);
        for kind in EvidenceKind::ALL {
            let rules = SystemRules { decided_by: vec![kind], ..SystemRules::default() };
            for other in EvidenceKind::ALL {
                let late = 200_000_000;
                assert_eq!(proves(&rules, other, Says::Applied, late), (kind == other).then_some(Ok(())));
                let declined = (kind == other).then_some(Err(Decline::SubscriberBarred));
                assert_eq!(proves(&rules, other, no, late), declined);
                assert_eq!(proves(&rules, other, Says::Nothing, late), None);
            }
        }
    }

    #[test]
    fn a_miss_counts_after_its_horizon_and_of_inquiries_alone() {
        let rules = SystemRules { miss_counts_after_ms: Some(500), ..SystemRules::default() };
        assert_eq!(proves(&rules, EvidenceKind::Inquiry, Says::NotKnown, 500), None);
        assert_eq!(proves(&rules, EvidenceKind::Inquiry, Says::NotKnown, 501), Some(Err(Decline::ChargingDeclined)));
        let never = SystemRules { miss_counts_after_ms: None, ..SystemRules::default() };
        assert_eq!(proves(&never, EvidenceKind::Inquiry, Says::NotKnown, i64::from(i32::MAX)), None);
        for kind in EvidenceKind::ALL.into_iter().filter(|kind| *kind != EvidenceKind::Inquiry) {
            assert_eq!(proves(&rules, kind, Says::NotKnown, i64::from(i32::MAX)), None, "{kind:?}");
        }
    }

    #[test]
    fn a_statement_waits_for_the_promise_and_a_record_for_the_deadline() {
        let rules = SystemRules::default();
        let promise_ms = rules.promised_at(SUBMIT_BY).since_ms(SUBMIT_BY);
        assert_eq!(proves(&rules, EvidenceKind::Statement, Says::Applied, promise_ms - 1), None);
        assert_eq!(proves(&rules, EvidenceKind::Statement, Says::Applied, promise_ms), Some(Ok(())));
        let no = Says::NotApplied(Decline::ChargingDeclined);
        assert_eq!(proves(&rules, EvidenceKind::DailyRecord, no, 0), None);
        assert_eq!(proves(&rules, EvidenceKind::DailyRecord, no, 1), Some(Err(Decline::ChargingDeclined)));
        assert_eq!(proves(&rules, EvidenceKind::DailyRecord, Says::Applied, 0), Some(Ok(())));
    }

    #[test]
    fn the_promise_follows_from_deadline_horizon_and_pace() {
        let promised = |rules: &SystemRules| rules.promised_at(SUBMIT_BY).since_ms(SUBMIT_BY);
        let rules = SystemRules { miss_counts_after_ms: Some(3), inquired_within_ms: 20, ..SystemRules::default() };
        assert_eq!(promised(&rules), 23);
        let record_only = SystemRules { recorded_within_ms: 99, miss_counts_after_ms: None, ..rules.clone() };
        assert_eq!(promised(&record_only), 99);
        let unasked = SystemRules { recorded_within_ms: 98, decided_by: vec![EvidenceKind::DailyRecord], ..rules };
        assert_eq!(promised(&unasked), 98);
    }
}
