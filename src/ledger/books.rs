//! The state of a shard in memory: what decisions read, and what the current batch has changed.
//!
//! Decisions are pure functions over `&ShardBooks` that return a [`Step`]; [`ShardBooks::record`] carries
//! it out. A step has passed every check, so recording cannot fail; a broken promise is a bug and panics.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use super::changes::{Appended, Changes, Head, Move, Registration};
use super::command::Actor;
use super::evidence::Evidences;
use super::keys::KeyFilter;
use super::limits::Tallies;
use super::owners::Owners;
use super::record::Records;
use super::settled::Settled;
use super::similar::{SimilarFilter, SimilarKey};
use super::step::after;
pub use super::step::{HoldChange, Movement, PlaceChange, Step, Subject};
use crate::domain::catalogue::Catalogue;
use crate::domain::encoding::Hash;
use crate::domain::{
    Account, AccountClass, AccountNumber, Entry, Hold, Line, Operation, OperationId, Posting, Record, RecordKey,
    RecordKind, RecordWant, Reseller, ResellerId, Shard, Side, Timestamp,
};

/// Whether a row is written for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Write {
    New,
    Update,
}

/// By numbers and ids that we draw ourselves, so nobody can choose them to collide: a hash that is quick, for every
/// posting looks up its accounts several times.
type Keyed<K, V> = foldhash::HashMap<K, V>;

/// A shard in memory.
#[derive(Clone, Debug)]
pub struct ShardBooks {
    /// As the store has it.
    stored: Head,
    head: Head,
    accounts: Keyed<AccountNumber, Account>,
    resellers: Keyed<ResellerId, Reseller>,
    operations: Keyed<OperationId, Arc<Operation>>,
    holds: Keyed<OperationId, Hold>,
    /// Latest similar recharges, good for one batch.
    pub(super) recent: HashMap<SimilarKey, Timestamp>,
    pub(super) similar: SimilarFilter,
    records: Records,
    owners: Owners,
    keys: KeyFilter,
    tallies: Tallies,
    entries: Vec<Appended>,
    written_operations: Keyed<OperationId, Write>,
    written_holds: Keyed<OperationId, Write>,
    removed_holds: Vec<OperationId>,
    written_accounts: Keyed<AccountNumber, Write>,
    written_resellers: HashMap<ResellerId, Write>,
    registrations: Vec<Registration>,
    written_records: BTreeMap<RecordKey, Write>,
    places: HashMap<ResellerId, Registration>,
    moves: Vec<Move>,
    new_lines: Vec<(OperationId, Arc<[Line]>)>,
    pub(super) settled: Settled,
    pub(super) evidence: Evidences,
}

impl ShardBooks {
    /// An empty memory of the shard whose row is `head`.
    #[must_use]
    pub fn new(head: Head) -> Self {
        let similar = SimilarFilter::new(head.recorded_at);
        Self {
            similar,
            keys: KeyFilter::default(),
            accounts: Keyed::default(),
            resellers: Keyed::default(),
            operations: Keyed::default(),
            holds: Keyed::default(),
            recent: HashMap::new(),
            records: Records::default(),
            tallies: Tallies::default(),
            owners: Owners::default(),
            entries: Vec::new(),
            written_operations: Keyed::default(),
            written_holds: Keyed::default(),
            removed_holds: Vec::new(),
            written_accounts: Keyed::default(),
            written_resellers: HashMap::new(),
            registrations: Vec::new(),
            written_records: BTreeMap::new(),
            places: HashMap::new(),
            moves: Vec::new(),
            new_lines: Vec::new(),
            settled: Settled::since(head.sequence),
            evidence: Evidences::default(),
            stored: head.clone(),
            head,
        }
    }

    /// The books of a shard that was just installed: its system accounts and nothing else.
    #[must_use]
    pub fn installed(shard: Shard) -> Self {
        let mut books = Self::new(Head::installed(shard));
        AccountClass::system_classes(shard).for_each(|class| books.admit_account(Account::system(class)));
        books
    }

    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    #[must_use]
    pub fn shard(&self) -> Shard {
        self.head.shard
    }

    #[must_use]
    pub fn knows_system_accounts(&self) -> bool {
        self.accounts.contains_key(&AccountClass::Delivered.system_account())
    }

    #[must_use]
    pub fn reseller(&self, id: ResellerId) -> Option<&Reseller> {
        self.resellers.get(&id)
    }

    #[must_use]
    pub fn account(&self, number: AccountNumber) -> Option<&Account> {
        self.accounts.get(&number)
    }

    /// All accounts of a reseller. Looks at each account in memory: for what is rare.
    pub fn accounts_of(&self, owner: ResellerId) -> impl Iterator<Item = &Account> {
        self.accounts.values().filter(move |account| account.owner == Some(owner))
    }

    #[must_use]
    pub fn operation(&self, id: OperationId) -> Option<&Arc<Operation>> {
        self.operations.get(&id)
    }

    #[must_use]
    pub fn hold(&self, id: OperationId) -> Option<&Hold> {
        self.holds.get(&id)
    }

    #[must_use]
    pub fn record_of(&self, key: &RecordKey) -> Option<&Arc<Record>> {
        self.records.get(key.kind(), key.owner(), key.id().as_str())
    }

    /// The records of the shard.
    #[must_use]
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// What is counted for limits besides the day of a reseller.
    #[must_use]
    pub fn tallies(&self) -> &Tallies {
        &self.tallies
    }

    pub fn tallies_mut(&mut self) -> &mut Tallies {
        &mut self.tallies
    }

    /// The catalogue with its version; `None` before its first import.
    #[must_use]
    pub fn catalogue(&self) -> Option<(i64, &Catalogue)> {
        let record = self.records.get(RecordKind::Catalogue, ResellerId::OPERATOR, Catalogue::ID)?;
        Some((record.version(), record.body()?))
    }

    #[must_use]
    pub fn owners(&self) -> &Owners {
        &self.owners
    }

    #[must_use]
    pub fn owners_mut(&mut self) -> &mut Owners {
        &mut self.owners
    }

    /// Whether the store must be asked who holds the key before a request for it is decided.
    #[must_use]
    pub fn may_be_claimed(&self, key: &[u8; 16]) -> bool {
        self.keys.may_hold(key)
    }

    /// The sequence that the next entry will have.
    #[must_use]
    pub fn next_sequence(&self) -> i64 {
        self.head.sequence + 1
    }

    /// The time that the next entry will record: never before the last one (`domain.md` \[20\]).
    #[must_use]
    pub fn recorded_at(&self, now: Timestamp) -> Timestamp {
        now.max(self.head.recorded_at)
    }

    pub fn admit_account(&mut self, account: Account) {
        self.owners.admit_account(&account);
        self.accounts.insert(account.number, account);
    }

    pub fn admit_reseller(&mut self, reseller: Reseller) {
        self.resellers.insert(reseller.id, reseller);
    }

    pub fn admit_operation(&mut self, operation: Operation, hold: Option<Hold>) {
        if let Some(hold) = hold {
            self.holds.insert(hold.operation, hold);
        }
        self.operations.insert(operation.id, Arc::new(operation));
    }

    pub fn admit_record(&mut self, record: Arc<Record>) {
        self.records.admit(record);
    }

    /// All records that the store has of `want` are admitted.
    pub fn complete_records(&mut self, want: RecordWant) {
        self.records.complete(want);
    }

    /// Whether the balance stays within 64 bits when the account is credited.
    #[must_use]
    pub fn can_credit(&self, number: AccountNumber, amount_minor: i64) -> bool {
        self.account(number).is_some_and(|account| after(account, Side::Credit, amount_minor).is_some())
    }

    /// Whether both balances stay within 64 bits.
    #[must_use]
    pub fn can_post(&self, movement: &Movement) -> bool {
        let fits = |number, side| {
            self.account(number).is_some_and(|account| after(account, side, movement.amount_minor).is_some())
        };
        fits(movement.debit, Side::Debit) && fits(movement.credit, Side::Credit)
    }

    /// Whether a debit of an account stays within 64 bits.
    #[must_use]
    pub fn can_debit(&self, number: AccountNumber, amount_minor: i64) -> bool {
        self.account(number).is_some_and(|account| after(account, Side::Debit, amount_minor).is_some())
    }

    /// Carries a step out: appends its entry to the log and changes what it changes.
    pub fn record(&mut self, step: Step, actor: &Actor, now: Timestamp) {
        let recorded_at = self.recorded_at(now);
        let sequence = self.next_sequence();
        let staff = super::staff::action(self, &step, actor, recorded_at);
        step.opened.into_iter().for_each(|account| self.open_account(account));
        let postings = step.movements.iter().map(|movement| self.post(movement)).collect();
        if let Some((number, usage)) = step.usage {
            self.account_mut(number).usage = usage;
        }
        let evidence = step.evidence.map(|item| self.evidence.remember(item));
        let (subject, digest) = self.write_subject(step.subject, step.hold, sequence);
        let appended = Appended::from(Entry {
            shard: self.head.shard,
            sequence,
            kind: step.kind,
            subject,
            digest,
            actor: actor.name().clone(),
            recorded_at,
            postings,
            staff,
            evidence,
        });
        self.head.frontier.append(appended.leaf);
        self.head.sequence = sequence;
        self.head.recorded_at = recorded_at;
        self.entries.push(appended);
    }

    fn open_account(&mut self, account: Account) {
        assert_eq!(account.number.0, self.head.next_account, "accounts are numbered without a gap");
        self.head.next_account += 1;
        self.written_accounts.insert(account.number, Write::New);
        self.admit_account(account);
    }

    fn write_subject(&mut self, subject: Subject, hold: HoldChange, sequence: i64) -> (Uuid, Hash) {
        match subject {
            Subject::Operation(mut operation) => {
                operation.last_sequence = sequence;
                let (id, digest) = (operation.id, operation.digest());
                self.change_hold(id, hold);
                let write = if self.operations.contains_key(&id) { Write::Update } else { Write::New };
                if write == Write::New {
                    self.keys.remember(&operation.key());
                }
                self.operations.insert(id, Arc::new(operation));
                self.written_operations.entry(id).or_insert(write);
                (id.uuid(), digest)
            }
            Subject::Reseller { reseller, stock, place } => {
                let digest = super::network::digest(&reseller, &stock);
                let write = if matches!(place, Some(PlaceChange::New(_))) { Write::New } else { Write::Update };
                match place {
                    Some(PlaceChange::New(registration)) => {
                        self.head.next_account = stock.number.0 + 1;
                        self.owners.open(reseller.id, registration.level, registration.parent);
                        self.registrations.push(registration);
                    }
                    Some(PlaceChange::Changed(registration)) => {
                        self.places.insert(registration.id, registration);
                    }
                    None => {}
                }
                self.admit_account(stock);
                self.written_accounts.entry(stock.number).or_insert(write);
                self.resellers.insert(reseller.id, reseller);
                self.written_resellers.entry(reseller.id).or_insert(write);
                (reseller.id.uuid(), digest)
            }
            Subject::Run { operation, lines } => {
                self.new_lines.push((operation.id, lines));
                self.write_subject(Subject::Operation(operation), hold, sequence)
            }
            Subject::Settlement { record, lines } => {
                self.settled.book(lines, sequence);
                self.write_subject(Subject::Record(record), hold, sequence)
            }
            Subject::Elsewhere { operation, digest } => (operation.uuid(), digest),
            Subject::Record(record) => {
                let (subject, digest) = (record.key().subject(), record.digest());
                let write = if record.version() == 1 { Write::New } else { Write::Update };
                self.written_records.entry(record.key().clone()).or_insert(write);
                if let Some(topup) = super::items::settled_by(&record) {
                    self.settled.settle(topup, sequence);
                }
                self.records.admit(record);
                (subject, digest)
            }
        }
    }

    /// A subtree of a reseller of this shard moves.
    pub fn record_move(&mut self, movement: Move) {
        self.moves.push(movement);
    }

    fn change_hold(&mut self, id: OperationId, change: HoldChange) {
        match change {
            HoldChange::None => {}
            HoldChange::Place(hold) => {
                self.account_mut(hold.account).held += hold.amount_minor;
                self.holds.insert(id, hold);
                self.written_holds.insert(id, Write::New);
            }
            HoldChange::Remove => {
                let hold = self.holds.remove(&id).expect("an open operation has a hold");
                self.account_mut(hold.account).held -= hold.amount_minor;
                if self.written_holds.remove(&id).is_none() {
                    self.removed_holds.push(id);
                }
            }
        }
    }

    fn post(&mut self, movement: &Movement) -> Posting {
        let mut apply = |number, side| {
            let account = self.account_mut(number);
            account.posted = after(account, side, movement.amount_minor).expect("the decision checked the range");
            (account.posted, account.class.line().asset)
        };
        let (debit_after, asset) = apply(movement.debit, Side::Debit);
        let (credit_after, credit_asset) = apply(movement.credit, Side::Credit);
        assert_eq!(asset, credit_asset, "a posting moves one asset");
        Posting {
            debit: movement.debit,
            credit: movement.credit,
            asset,
            amount_minor: movement.amount_minor,
            debit_after,
            credit_after,
        }
    }

    fn account_mut(&mut self, number: AccountNumber) -> &mut Account {
        self.written_accounts.entry(number).or_insert(Write::Update);
        self.accounts.get_mut(&number).expect("a decision names accounts that it has read")
    }

    /// What the batch has changed, ready to be written; `None` when nothing.
    pub fn take_changes(&mut self) -> Option<Changes> {
        if self.entries.is_empty() {
            return None;
        }
        self.head.version += 1;
        let before = std::mem::replace(&mut self.stored, self.head.clone());
        let mut changes = Changes::of(before, self.head.clone());
        changes.entries = std::mem::take(&mut self.entries);
        // Ordered by key: index pages are visited once, and one batch always writes alike.
        let mut written: Vec<_> = self.written_operations.drain().collect();
        written.sort_unstable_by_key(|(id, _)| *id);
        for (id, write) in written {
            let operation = Operation::clone(&self.operations[&id]);
            match write {
                Write::New => changes.new_operations.push(operation),
                Write::Update => changes.updated_operations.push(operation),
            }
        }
        changes.placed_holds.extend(self.written_holds.drain().map(|(id, _)| self.holds[&id]));
        changes.removed_holds = std::mem::take(&mut self.removed_holds);
        // By number, too, for the same reason.
        let mut written: Vec<_> = self.written_accounts.drain().collect();
        written.sort_unstable_by_key(|(number, _)| *number);
        for (number, write) in written {
            let account = self.accounts[&number];
            match write {
                Write::New => changes.new_accounts.push(account),
                Write::Update => changes.updated_accounts.push(account),
            }
        }
        for (id, write) in self.written_resellers.drain() {
            let reseller = self.resellers[&id];
            match write {
                Write::New => changes.new_resellers.push(reseller),
                Write::Update => changes.updated_resellers.push(reseller),
            }
        }
        changes.registrations = std::mem::take(&mut self.registrations);
        changes.new_lines = std::mem::take(&mut self.new_lines);
        changes.settled_lines = self.settled.take_lines();
        for (key, write) in std::mem::take(&mut self.written_records) {
            let record = self.record_of(&key).expect("it was written").clone();
            match write {
                Write::New => changes.new_records.push(record),
                Write::Update => changes.updated_records.push(record),
            }
        }
        changes.places.extend(self.places.drain().map(|(_, place)| place));
        changes.moves = std::mem::take(&mut self.moves);
        changes.placed_holds.sort_unstable_by_key(|hold| hold.operation);
        changes.removed_holds.sort_unstable();
        Some(changes)
    }

    /// Forgets what the next batch will hardly need: operations at their end and the guard's answers; beyond
    /// `limit` rows of a kind also the rest. Whatever is missing is loaded again.
    pub fn forget(&mut self, limit: usize) {
        self.recent.clear();
        self.settled.clear();
        self.evidence.clear();
        self.operations.retain(|_, operation| operation.status.is_open() || operation.waits_for_payment());
        if self.operations.len() > limit {
            self.operations.clear();
            self.holds.clear();
        }
        if self.accounts.len() > limit {
            self.accounts.retain(|number, _| *number < AccountNumber::FIRST_OWN);
            self.resellers.clear();
            self.tallies.clear();
            self.owners.clear();
        }
        self.records.forget(limit);
    }
}
