//! What happened to one recharge, in order of time.
//!
//! No index leads from an operation to its entries: each entry of each recharge would pay for it. Instead the entries
//! stand in known parts of the journal: what happens to a recharge by itself happens before `submit_by` or a moment
//! later; what comes after that leaves a row that names its entry (evidence, the states of reversals and top-ups), and
//! the recharge's row names its last one. These parts are read, and no more of the journal than [`REACH`].

use std::collections::HashMap;

use super::Care;
use super::events::{Event, Happening, ShownEntry, ShownPosting, Teller};
use crate::domain::{
    Account, AccountNumber, Entry, EntryKind, Operation, OperationId, OperationKind, Shard, Status, Timestamp,
};
use crate::ports::{RecordedEvidence, StoreError, Window};
use crate::services::caller::{Caller, Scope, ServiceError};

/// Entries of a shard that are looked through at most behind the beginning of a recharge.
const REACH: i64 = 50_000;
/// The same in front of the first item of evidence, where a doubt began that was noticed late.
const REACH_BACK: i64 = 5_000;
/// What one transaction writes about an operation stands so near together.
const NEAR: i64 = 8;
/// An answer in time is in the journal so long after the deadline at the latest, as a rule.
const WRITTEN_WITHIN_MS: i64 = 10_000;
/// Reversals that are told at most.
const REVERSALS: u32 = 200;

/// What happened to a recharge.
#[derive(Clone, Debug)]
pub struct Timeline {
    pub recharge: Operation,
    /// Newest first.
    pub reversals: Vec<Operation>,
    /// The card payment it came by.
    pub topup: Option<Operation>,
    /// In order of time.
    pub events: Vec<Event>,
    /// Whether all of its entries were found.
    pub complete: bool,
}

impl Care {
    /// What happened to a recharge: entries with their postings as far as the caller sees whose they are, calls to
    /// charging systems and their answers, and attempts to tell the caller's endpoints, or anybody's for who holds
    /// [`Scope::CareRead`].
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when the recharge is unknown or outside the caller's subtrees.
    pub async fn timeline(&self, caller: &Caller, id: OperationId) -> Result<Timeline, ServiceError> {
        let recharge = self.recharges.get(caller, id).await?;
        let evidence = self.recharges.evidence(&[id]).await?;
        let reversals = self.lists.refunds(id, None, REVERSALS).await?;
        let topup = self.card_payment(&recharge).await?;
        let beside: Vec<&Operation> = reversals.iter().chain(&topup).collect();
        let states: Vec<OperationId> = beside.iter().map(|operation| operation.id).collect();
        let states = self.care.states_of(id.shard(), &states).await?;
        let (windows, whole) = self.windows(&recharge, &evidence, &states).await?;
        let subjects: Vec<_> = beside.iter().map(|operation| operation.id.uuid()).chain([id.uuid()]).collect();
        let sequences = self.care.entries_about(id.shard(), &subjects, &windows).await?;
        let entries = self.entries(id.shard(), &sequences).await?;
        let of_recharge = entries.iter().filter(|entry| entry.subject == id.uuid());
        let kinds: Vec<EntryKind> = of_recharge.map(|entry| entry.kind).collect();
        let complete = whole || is_path(&kinds, recharge.status, !evidence.is_empty());
        let mut events = self.told(caller, (&recharge, &beside), entries).await?;
        events.extend(self.attempts(caller, id, &sequences).await?);
        events.sort_by_key(|event| event.at);
        Ok(Timeline { recharge, reversals, topup, events, complete })
    }

    /// The top-up of a subscriber that paid for the recharge by card: its id is the recharge's key.
    async fn card_payment(&self, recharge: &Operation) -> Result<Option<Operation>, StoreError> {
        let named = OperationId::parse(recharge.external_id.as_str(), OperationKind::Topup.prefix());
        let Some(named) = named.filter(|topup| topup.shard() == recharge.id.shard()) else { return Ok(None) };
        let paid = |topup: &Operation| {
            let card = topup.topup().and_then(|topup| topup.recharge.as_ref());
            card.and_then(|card| card.operation()) == Some(recharge.id)
        };
        Ok(self.reads.operation(named).await?.filter(paid))
    }

    /// Where entries about the recharge and what belongs to it may stand, and whether that is all of the journal between
    /// its first entry and its last one.
    async fn windows(
        &self,
        recharge: &Operation,
        evidence: &[RecordedEvidence],
        states: &[i64],
    ) -> Result<(Vec<Window>, bool), StoreError> {
        let (shard, last) = (recharge.id.shard(), recharge.last_sequence);
        let first = self.movements.last_before(shard, recharge.created_at, last).await?;
        let settled_by = recharge.recharge().map_or(recharge.created_at, |sent| sent.submit_by);
        let settled_by = self.movements.last_before(shard, settled_by.plus_ms(WRITTEN_WITHIN_MS), last).await?;
        let by_itself = (first, settled_by.min(first + REACH));
        let named = states.iter().copied().chain(evidence.iter().map(|recorded| recorded.sequence)).chain([last]);
        let mut windows: Vec<Window> = named.map(|sequence| (sequence - NEAR, sequence + NEAR)).collect();
        windows.extend(evidence.first().map(|recorded| (recorded.sequence - REACH_BACK, recorded.sequence)));
        windows.push(by_itself);
        Ok((windows, by_itself.1 >= last))
    }

    async fn entries(&self, shard: Shard, sequences: &[i64]) -> Result<Vec<Entry>, StoreError> {
        let mut entries = Vec::with_capacity(sequences.len());
        for sequence in sequences {
            let found = self.journal.entries(shard, sequence - 1, *sequence, 1).await?;
            entries.extend(found.into_iter().map(|audited| audited.entry));
        }
        Ok(entries)
    }

    async fn told(
        &self,
        caller: &Caller,
        (recharge, beside): (&Operation, &[&Operation]),
        entries: Vec<Entry>,
    ) -> Result<Vec<Event>, ServiceError> {
        let operations = beside.iter().copied().chain([recharge]);
        let mut tellers: HashMap<_, _> =
            operations.map(|operation| (operation.id.uuid(), Teller::new(operation))).collect();
        let mut accounts = HashMap::new();
        let mut events = Vec::new();
        for entry in entries {
            let subject = entry.subject;
            let shown = self.shown(caller, recharge.id.shard(), entry, &mut accounts).await?;
            if let Some(teller) = tellers.get_mut(&subject) {
                teller.tell(shown, &mut events);
            }
        }
        Ok(events)
    }

    /// An entry without the postings of resellers outside the caller's subtrees: what a distributor earns is not its
    /// outlets' business, nor is it to be found out by what rounding left over.
    async fn shown(
        &self,
        caller: &Caller,
        shard: Shard,
        entry: Entry,
        accounts: &mut HashMap<AccountNumber, Account>,
    ) -> Result<ShownEntry, ServiceError> {
        let mut postings = Vec::with_capacity(entry.postings.len());
        let mut hidden = 0;
        for posting in &entry.postings {
            let debit = self.account(shard, posting.debit, accounts).await?;
            let credit = self.account(shard, posting.credit, accounts).await?;
            let shown = ShownPosting::new(*posting, &debit, &credit);
            if self.sees(caller, &shown).await? { postings.push(shown) } else { hidden += 1 }
        }
        if hidden > 0 {
            let before = postings.len();
            postings.retain(|posting| !posting.is_rounding());
            hidden += before - postings.len();
        }
        Ok(ShownEntry { entry, postings, hidden })
    }

    async fn sees(&self, caller: &Caller, posting: &ShownPosting) -> Result<bool, ServiceError> {
        for owner in posting.owners() {
            match self.directory.authorise(caller, owner).await {
                Ok(()) => {}
                Err(ServiceError::NotFound) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    async fn account(
        &self,
        shard: Shard,
        number: AccountNumber,
        known: &mut HashMap<AccountNumber, Account>,
    ) -> Result<Account, ServiceError> {
        if let Some(account) = known.get(&number) {
            return Ok(*account);
        }
        let account = self.reads.account(shard, number).await?.ok_or(ServiceError::Internal)?;
        known.insert(number, account);
        Ok(account)
    }

    async fn attempts(&self, caller: &Caller, id: OperationId, sequences: &[i64]) -> Result<Vec<Event>, ServiceError> {
        let mut attempts = self.care.attempts_of(id.shard(), sequences).await?;
        if !attempts.is_empty() && !caller.may(Scope::CareRead) {
            let own = self.webhooks.list(caller).await?;
            attempts.retain(|(endpoint, _)| own.iter().any(|known| known.id == *endpoint));
        }
        let told = |(endpoint, attempt): (_, crate::ports::Attempt)| {
            let at: Timestamp = attempt.at;
            Event { at, operation: id, what: Happening::Attempt { endpoint, attempt: Box::new(attempt) } }
        };
        Ok(attempts.into_iter().map(told).collect())
    }
}

/// Whether these entries lead from the beginning of a recharge to where it stands, so that none can be missing: what
/// comes after the outcome names its entry.
fn is_path(kinds: &[EntryKind], status: Status, was_in_doubt: bool) -> bool {
    use EntryKind::{
        KeyVoided, RechargeCompleted, RechargeInDoubt, RechargeRefused, RechargeReleased, RechargeReserved,
    };
    let begins = kinds.first().is_some_and(|kind| [RechargeReserved, RechargeRefused, KeyVoided].contains(kind));
    let has = |wanted: &[EntryKind]| kinds.iter().any(|kind| wanted.contains(kind));
    let ends = status.is_open() || has(&[RechargeCompleted, RechargeReleased, RechargeRefused, KeyVoided]);
    begins && ends && (!was_in_doubt || has(&[RechargeInDoubt]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_lead_to_where_a_recharge_stands_is_not_complete() {
        use EntryKind::{
            KeyVoided, RechargeCompleted, RechargeInDoubt, RechargeRefused, RechargeReserved, RechargeReversed,
        };
        let cases: [(&[EntryKind], Status, bool, bool); 10] = [
            (&[RechargeReserved, RechargeCompleted], Status::Completed, false, true),
            (&[RechargeReserved], Status::Submitted, false, true),
            (&[RechargeReserved, RechargeInDoubt], Status::InDoubt, false, true),
            (&[RechargeReserved, RechargeInDoubt, RechargeCompleted], Status::Completed, true, true),
            (&[RechargeRefused], Status::Declined, false, true),
            (&[KeyVoided], Status::Declined, false, true),
            (&[RechargeReserved], Status::Completed, false, false),
            (&[RechargeCompleted], Status::Completed, false, false),
            (&[RechargeReserved, RechargeReversed], Status::Reversed, false, false),
            (&[RechargeReserved, RechargeCompleted], Status::Completed, true, false),
        ];
        for (kinds, status, was_in_doubt, expected) in cases {
            assert_eq!(is_path(kinds, status, was_in_doubt), expected, "{kinds:?} {status:?}");
        }
    }
}
