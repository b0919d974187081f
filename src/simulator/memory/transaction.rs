//! What one transaction has written so far, on top of the committed rows, and the checks that the
//! databases' constraints make.

use std::collections::{BTreeMap, HashMap, HashSet};

use tokio::sync::OwnedMutexGuard;

use super::refused;
use super::settlement::Posted;
use super::state::{Books, State};
use crate::domain::encoding::Hash;
use crate::domain::{
    Account, AccountNumber, Entry, Hold, Line, Operation, OperationId, Record, RecordKey, RecordWant, Reseller,
    ResellerId, SettledLine, SettlementId, Shard,
};
use crate::ledger::{Appended, Changes, Head, Registration};
use crate::ports::StoreError;

/// Rows written and not committed.
pub(super) struct Transaction {
    /// The row locks of the shards; they end with the transaction.
    _locks: Vec<OwnedMutexGuard<()>>,
    overlays: BTreeMap<Shard, Overlay>,
    registrations: Vec<Registration>,
    places: Vec<Registration>,
    /// After an error: nothing but a rollback is taken.
    pub aborted: bool,
}

/// Rows written in one locked shard.
#[derive(Default)]
pub(super) struct Overlay {
    head: Option<Head>,
    accounts: HashMap<AccountNumber, Account>,
    resellers: HashMap<ResellerId, Reseller>,
    operations: HashMap<OperationId, Operation>,
    /// `None` is a removed hold.
    holds: HashMap<OperationId, Option<Hold>>,
    entries: Vec<(Entry, Hash)>,
    claims: HashMap<[u8; 16], OperationId>,
    lines: Vec<(OperationId, std::sync::Arc<[Line]>)>,
    records: BTreeMap<RecordKey, Record>,
    settled: BTreeMap<(SettlementId, i64), (std::sync::Arc<str>, SettledLine)>,
    posted: Posted,
}

/// A locked shard as its transaction sees it.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub books: &'a Books,
    overlay: &'a Overlay,
}

impl Transaction {
    pub fn new(locked: impl Iterator<Item = (Shard, OwnedMutexGuard<()>)>) -> Self {
        let (overlays, locks) = locked.map(|(shard, lock)| ((shard, Overlay::default()), lock)).unzip();
        Self { _locks: locks, overlays, registrations: Vec::new(), places: Vec::new(), aborted: false }
    }

    pub fn view<'a>(&'a self, state: &'a State, shard: Shard) -> Result<View<'a>, StoreError> {
        let overlay = self.overlays.get(&shard).ok_or_else(|| not_locked(shard))?;
        let books = state.books(shard).expect("a locked shard exists");
        Ok(View { books, overlay })
    }

    pub fn persist(&mut self, state: &mut State, changes: &Changes) -> Result<(), StoreError> {
        self.view(state, changes.head.shard)?.check(changes)?;
        for registration in &changes.registrations {
            self.register(state, registration)?;
        }
        for place in &changes.places {
            self.replace(state, place)?;
        }
        self.overlay(changes.head.shard)?.write(changes);
        Ok(())
    }

    /// Makes everything visible at once.
    pub fn commit(mut self, state: &mut State) {
        self.free_codes(state);
        for registration in std::mem::take(&mut self.registrations) {
            state.network.put(registration);
        }
        for place in std::mem::take(&mut self.places) {
            state.network.put(place);
        }
        for (shard, overlay) in std::mem::take(&mut self.overlays) {
            overlay.apply(&mut state.books[shard.index()]);
        }
    }

    pub fn discard(mut self, state: &mut State) {
        self.free_codes(state);
    }

    fn free_codes(&mut self, state: &mut State) {
        for registration in &self.registrations {
            state.reserved_codes.remove(&registration.code);
        }
    }

    fn overlay(&mut self, shard: Shard) -> Result<&mut Overlay, StoreError> {
        self.overlays.get_mut(&shard).ok_or_else(|| not_locked(shard))
    }

    /// The foreign key and the unique code of a place that changes. Whoever writes one holds the tree's lock.
    fn replace(&mut self, state: &State, place: &Registration) -> Result<(), StoreError> {
        let network = &state.network;
        let registered = |id: &ResellerId| {
            network.registrations.contains_key(id) || self.registrations.iter().any(|written| written.id == *id)
        };
        must(registered(&place.id), || format!("reseller {} is not registered", place.id))?;
        must(place.parent.is_none_or(|parent| registered(&parent)), || "the parent is not registered".into())?;
        let free = network.codes.get(&place.code).is_none_or(|holder| {
            *holder == place.id || self.places.iter().any(|moved| moved.id == *holder && moved.code != place.code)
        });
        must(free, || format!("code {} is taken", place.code))?;
        self.places.push(place.clone());
        Ok(())
    }

    /// Codes are unique over all shards, so a transaction in another shard may be writing the same one.
    fn register(&mut self, state: &mut State, registration: &Registration) -> Result<(), StoreError> {
        let Registration { id, code, name, parent, .. } = registration;
        for text in [code, name] {
            check_text(text)?;
        }
        let ours = |id: &ResellerId| self.registrations.iter().any(|written| written.id == *id);
        if state.network.registrations.contains_key(id) || ours(id) {
            return Err(refused(format!("reseller {id} is registered already")));
        }
        if let Some(parent) = parent
            && !(state.network.registrations.contains_key(parent) || ours(parent) || parent == id)
        {
            return Err(refused(format!("parent {parent} of reseller {id} is not registered")));
        }
        if state.network.codes.contains_key(code) || self.registrations.iter().any(|written| written.code == *code) {
            return Err(refused(format!("code {code} is taken")));
        }
        if !state.reserved_codes.insert(code.clone()) {
            return Err(StoreError::Conflict(format!("another transaction is writing code {code}")));
        }
        self.registrations.push(registration.clone());
        Ok(())
    }
}

impl View<'_> {
    pub fn head(&self) -> &Head {
        self.overlay.head.as_ref().unwrap_or(&self.books.head)
    }

    pub fn account(&self, number: AccountNumber) -> Option<&Account> {
        self.overlay.accounts.get(&number).or_else(|| self.books.accounts.get(&number))
    }

    /// All accounts of a reseller, by number.
    pub fn accounts_of(&self, reseller: ResellerId) -> Vec<Account> {
        let committed = self.books.accounts_of(reseller);
        let written = self.overlay.accounts.values().filter(|account| account.owner == Some(reseller));
        let mut numbers: Vec<_> = committed.chain(written.map(|account| account.number)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().filter_map(|number| self.account(number).copied()).collect()
    }

    pub fn reseller(&self, id: ResellerId) -> Option<&Reseller> {
        self.overlay.resellers.get(&id).or_else(|| self.books.resellers.get(&id))
    }

    pub fn operation(&self, id: OperationId) -> Option<&Operation> {
        self.overlay.operations.get(&id).or_else(|| self.books.operations.get(&id))
    }

    pub fn written_operations(&self) -> impl Iterator<Item = &Operation> {
        self.overlay.operations.values()
    }

    /// All operations, in their newest rows.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        let committed = self.books.operations.values();
        let unchanged = committed.filter(|operation| !self.overlay.operations.contains_key(&operation.id));
        unchanged.chain(self.overlay.operations.values())
    }

    pub fn hold(&self, id: OperationId) -> Option<&Hold> {
        match self.overlay.holds.get(&id) {
            Some(written) => written.as_ref(),
            None => self.books.holds.get(&id),
        }
    }

    pub fn claim(&self, key: &[u8; 16]) -> Option<OperationId> {
        self.overlay.claims.get(key).or_else(|| self.books.claims.get(key)).copied()
    }

    pub fn record(&self, key: &RecordKey) -> Option<&Record> {
        self.overlay.records.get(key).or_else(|| self.books.records.get(key))
    }

    pub fn records(&self, want: &RecordWant) -> Vec<Record> {
        let wanted = |key: &&RecordKey| match want {
            RecordWant::One(one) => *key == one,
            RecordWant::Owned(kind, owner) => (key.kind(), key.owner()) == (*kind, *owner),
            RecordWant::Kind(kind) => key.kind() == *kind,
        };
        let fresh = self.overlay.records.keys().filter(|key| !self.books.records.contains_key(*key));
        let keys = self.books.records.keys().chain(fresh).filter(wanted);
        keys.filter_map(|key| self.record(key)).cloned().collect()
    }

    /// What lines of settlement files settle, committed and not.
    pub fn posted(&self) -> [&Posted; 2] {
        [&self.books.posted, &self.overlay.posted]
    }

    pub fn leaf(&self, sequence: i64) -> Option<Hash> {
        let written = self.overlay.entries.iter().find(|(entry, _)| entry.sequence == sequence);
        written.map(|(_, leaf)| *leaf).or_else(|| self.books.entries.get(&sequence).map(|stored| stored.leaf))
    }

    /// The constraints of the tables, and that the version and the sequence go on where they stood.
    fn check(&self, changes: &Changes) -> Result<(), StoreError> {
        let (before, after) = (self.head(), &changes.head);
        if after.version != before.version + 1 {
            return Err(refused(format!("version {} does not follow {}", after.version, before.version)));
        }
        let mut last = before.sequence;
        for Appended { entry, .. } in &changes.entries {
            if entry.shard != after.shard || entry.sequence != last + 1 {
                return Err(refused(format!(
                    "entry {} of shard {} does not follow {last}",
                    entry.sequence, entry.shard
                )));
            }
            last = entry.sequence;
            check_text(&entry.actor)?;
            if entry.postings.iter().any(|posting| posting.amount_minor <= 0 || posting.debit == posting.credit) {
                return Err(refused(format!("a posting of entry {last} has no amount or one account twice")));
            }
        }
        if after.sequence != last || after.frontier.size() != u64::try_from(last).expect("sequences begin at 1") {
            return Err(refused(format!("head {} does not stand at the last entry {last}", after.sequence)));
        }
        self.check_accounts(changes)?;
        self.check_records(changes)?;
        self.check_operations(changes)
    }

    fn check_accounts(&self, changes: &Changes) -> Result<(), StoreError> {
        for account in &changes.new_accounts {
            must(self.account(account.number).is_none(), || format!("account {} exists", account.number.0))?;
        }
        for account in &changes.updated_accounts {
            must(self.account(account.number).is_some(), || format!("account {} does not exist", account.number.0))?;
        }
        for account in changes.new_accounts.iter().chain(&changes.updated_accounts) {
            must(account.held >= 0 && account.credit_limit >= 0, || {
                format!("account {} would have a negative hold or credit limit", account.number.0)
            })?;
        }
        for reseller in &changes.new_resellers {
            must(self.reseller(reseller.id).is_none(), || format!("reseller {} exists", reseller.id))?;
        }
        for reseller in &changes.updated_resellers {
            must(self.reseller(reseller.id).is_some(), || format!("reseller {} does not exist", reseller.id))?;
        }
        Ok(())
    }

    fn check_records(&self, changes: &Changes) -> Result<(), StoreError> {
        for record in &changes.new_records {
            must(self.record(record.key()).is_none(), || format!("record {} exists", record.key()))?;
        }
        for record in &changes.updated_records {
            let earlier = self.record(record.key()).is_some_and(|stored| stored.version() < record.version());
            must(earlier, || format!("record {} does not exist in an earlier version", record.key()))?;
        }
        let mut records = changes.new_records.iter().chain(&changes.updated_records);
        records.try_for_each(|record| check_text(record.text()))
    }

    fn check_operations(&self, changes: &Changes) -> Result<(), StoreError> {
        let mut keys = HashSet::new();
        for operation in &changes.new_operations {
            must(self.operation(operation.id).is_none(), || format!("operation {} exists", operation.id.uuid()))?;
            if self.claim(&operation.key()).is_some() || !keys.insert(operation.key()) {
                return Err(StoreError::KeyTaken(format!("that of operation {}", operation.id.uuid())));
            }
        }
        for operation in &changes.updated_operations {
            must(self.operation(operation.id).is_some(), || {
                format!("operation {} does not exist", operation.id.uuid())
            })?;
        }
        for operation in changes.new_operations.iter().chain(&changes.updated_operations) {
            must(operation.amount_minor >= 0, || format!("operation {} has a negative amount", operation.id.uuid()))?;
            must(operation.id.shard() == changes.head.shard, || {
                format!("operation {} belongs to shard {}", operation.id.uuid(), operation.id.shard())
            })?;
            if let Some(recharge) = operation.recharge() {
                check_text(&recharge.product)?;
            }
        }
        let written = changes.new_operations.iter().chain(&changes.updated_operations);
        for eyes in written.filter_map(Operation::four_eyes) {
            let two = eyes.verdict.as_ref().is_none_or(|verdict| verdict.checker != eyes.maker);
            must(two, || "maker and checker are one person".into())?;
        }
        for hold in &changes.placed_holds {
            let id = hold.operation;
            must(self.hold(id).is_none() && hold.amount_minor > 0, || {
                format!("hold {} exists or is empty", id.uuid())
            })?;
        }
        for id in &changes.removed_holds {
            must(self.hold(*id).is_some(), || format!("hold {} does not exist", id.uuid()))?;
        }
        Ok(())
    }
}

impl Overlay {
    fn write(&mut self, changes: &Changes) {
        self.head = Some(changes.head.clone());
        self.lines.extend(changes.new_lines.iter().cloned());
        for of_file in &changes.settled_lines {
            let row = |line: &SettledLine| ((of_file.file, line.number), (of_file.acquirer.clone(), line.clone()));
            self.settled.extend(of_file.lines.iter().map(row));
            self.posted.add(of_file);
        }
        let accounts = changes.new_accounts.iter().chain(&changes.updated_accounts);
        self.accounts.extend(accounts.map(|account| (account.number, *account)));
        let resellers = changes.new_resellers.iter().chain(&changes.updated_resellers);
        self.resellers.extend(resellers.map(|reseller| (reseller.id, *reseller)));
        let operations = changes.new_operations.iter().chain(&changes.updated_operations);
        self.operations.extend(operations.map(|operation| (operation.id, operation.clone())));
        self.claims.extend(changes.new_operations.iter().map(|operation| (operation.key(), operation.id)));
        self.holds.extend(changes.placed_holds.iter().map(|hold| (hold.operation, Some(*hold))));
        self.holds.extend(changes.removed_holds.iter().map(|id| (*id, None)));
        let records = changes.new_records.iter().chain(&changes.updated_records);
        self.records.extend(records.map(|record| (record.key().clone(), Record::clone(record))));
        self.entries.extend(changes.entries.iter().map(|appended| (appended.entry.clone(), appended.leaf)));
    }

    fn apply(self, books: &mut Books) {
        if let Some(head) = self.head {
            books.head = head;
        }
        self.accounts.into_values().for_each(|account| books.put_account(account));
        books.resellers.extend(self.resellers);
        self.operations.into_values().for_each(|operation| books.put_operation(operation));
        for (id, hold) in self.holds {
            match hold {
                Some(hold) => books.holds.insert(id, hold),
                None => books.holds.remove(&id),
            };
        }
        self.entries.into_iter().for_each(|(entry, leaf)| books.put_entry(entry, leaf));
        books.claims.extend(self.claims);
        books.lines.extend(self.lines);
        books.records.extend(self.records);
        books.settled.extend(self.settled);
        books.posted.extend(self.posted);
    }
}

fn must(holds: bool, text: impl FnOnce() -> String) -> Result<(), StoreError> {
    if holds { Ok(()) } else { Err(StoreError::Refused(text())) }
}

/// PostgreSQL takes no NUL in a text; this store neither, so that a refusal can be caused on purpose.
fn check_text(text: &str) -> Result<(), StoreError> {
    must(!text.contains('\0'), || "a text holds a NUL".into())
}

fn not_locked(shard: Shard) -> StoreError {
    refused(format!("shard {shard} is not locked by this transaction"))
}
