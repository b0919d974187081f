//! The committed rows.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use super::settlement::Posted;
use crate::domain::encoding::Hash;
use crate::domain::{
    Account, AccountClass, AccountNumber, CaseNumbers, Entry, EvidenceItem, Hold, Line, Msisdn, Operation, OperationId,
    PartnerId, Posting, Record, RecordKey, Reseller, ResellerId, SettledLine, SettlementId, Shard, StaffAction,
    Standing, Timestamp, WebhookId,
};
use crate::ledger::tree::{Below, Node, TreeFound, TreeWants};
use crate::ledger::{Head, Registration};
use crate::ports::{Client, KeptNotification, LineOutcome, RecordedEvidence};

/// Everything committed.
pub struct State {
    /// By shard.
    pub books: Vec<Books>,
    pub network: Network,
    /// What acquirers told, by acquirer and key.
    pub notifications: BTreeMap<(Box<str>, Box<str>), KeptNotification>,
    /// What is kept about sending events to partners.
    pub webhooks: BTreeMap<WebhookId, super::EndpointRows>,
    /// The numbers of cases, by their digest.
    pub case_numbers: BTreeMap<Hash, CaseNumbers>,
    /// Codes of resellers that open transactions are about to write.
    pub(super) reserved_codes: HashSet<String>,
}

/// An entry without its postings, its staff action and its evidence, which are rows of their own, beside its leaf.
#[derive(Clone, Debug)]
pub struct StoredEntry {
    pub entry: Entry,
    pub leaf: Hash,
}

/// The tables of one shard.
pub struct Books {
    pub head: Head,
    pub accounts: BTreeMap<AccountNumber, Account>,
    pub resellers: HashMap<ResellerId, Reseller>,
    pub operations: BTreeMap<OperationId, Operation>,
    pub holds: BTreeMap<OperationId, Hold>,
    pub entries: BTreeMap<i64, StoredEntry>,
    /// By sequence and line.
    pub postings: BTreeMap<(i64, usize), Posting>,
    /// By sequence.
    pub actions: BTreeMap<i64, Arc<StaffAction>>,
    /// By operation and sequence.
    pub evidence: BTreeMap<(OperationId, i64), Arc<EvidenceItem>>,
    pub claims: HashMap<[u8; 16], OperationId>,
    /// Lines of runs.
    pub lines: BTreeMap<OperationId, Arc<[Line]>>,
    pub records: BTreeMap<RecordKey, Record>,
    /// Lines of settlement files, with their acquirers.
    pub settled: BTreeMap<(SettlementId, i64), (Arc<str>, SettledLine)>,
    /// Index: what they settle.
    pub(super) posted: Posted,
    /// Index: the accounts of a reseller.
    owned: HashMap<ResellerId, Vec<AccountNumber>>,
    /// Index: what was sold to whom, by time.
    sold: BTreeSet<(ResellerId, Msisdn, i64, Timestamp, OperationId)>,
    /// Index: what jobs look after.
    looked_after: BTreeSet<OperationId>,
}

/// The tables that are not sharded.
#[derive(Default)]
pub struct Network {
    pub registrations: BTreeMap<ResellerId, Registration>,
    pub clients: HashMap<crate::domain::ClientId, Client>,
    pub partners: HashMap<PartnerId, String>,
    pub(super) codes: HashMap<String, ResellerId>,
    pub(super) children: HashMap<ResellerId, Vec<ResellerId>>,
}

impl State {
    pub(super) fn new(shards: u16) -> Self {
        let books = Shard::all(shards).map(Books::new).collect();
        Self {
            books,
            network: Network::default(),
            notifications: BTreeMap::new(),
            webhooks: BTreeMap::new(),
            case_numbers: BTreeMap::new(),
            reserved_codes: HashSet::new(),
        }
    }

    /// What decisions read of the network's tree.
    pub(super) fn tree(&self, wants: &TreeWants) -> TreeFound {
        let network = &self.network;
        let holder = |code: &String| Some((code.clone(), *network.codes.get(code)?));
        TreeFound {
            codes: wants.codes.iter().filter_map(holder).collect(),
            nodes: wants.lines.iter().flat_map(|id| self.line(*id)).collect(),
            below: wants.below.iter().map(|id| (*id, self.below(*id))).collect(),
        }
    }

    /// A reseller and all above it, from the bottom up.
    fn line(&self, id: ResellerId) -> Vec<Node> {
        let upwards = |below: &&Registration| self.network.registrations.get(&below.parent?);
        let line = std::iter::successors(self.network.registrations.get(&id), upwards);
        line.map(|place| Node { registration: place.clone(), standing: self.standing(place.id) }).collect()
    }

    pub(super) fn standing(&self, id: ResellerId) -> Standing {
        let state = self.books.iter().find_map(|books| books.resellers.get(&id));
        state.map_or(Standing::Active, |state| state.standing)
    }

    fn below(&self, id: ResellerId) -> Below {
        let children = self.network.children.get(&id).into_iter().flatten();
        let open: Vec<ResellerId> = children.copied().filter(|id| self.standing(*id) != Standing::Closed).collect();
        let subtree = self.network.subtree(&[id]);
        let depth = |below: ResellerId| self.line(below).iter().position(|node| node.registration.id == id);
        Below {
            open_children: i64::try_from(open.len()).expect("fits memory"),
            child_levels: open.iter().map(|child| self.network.registrations[child].level).collect(),
            height: subtree.into_iter().filter_map(depth).max().unwrap_or(0),
        }
    }

    pub(super) fn books(&self, shard: Shard) -> Option<&Books> {
        self.books.get(shard.index())
    }
}

impl Books {
    fn new(shard: Shard) -> Self {
        let head = Head::installed(shard);
        let system = AccountClass::system_classes(shard).map(Account::system);
        Self {
            head,
            accounts: system.map(|account| (account.number, account)).collect(),
            resellers: HashMap::new(),
            operations: BTreeMap::new(),
            holds: BTreeMap::new(),
            entries: BTreeMap::new(),
            postings: BTreeMap::new(),
            claims: HashMap::new(),
            lines: BTreeMap::new(),
            records: BTreeMap::new(),
            settled: BTreeMap::new(),
            posted: Posted::default(),
            actions: BTreeMap::new(),
            evidence: BTreeMap::new(),
            owned: HashMap::new(),
            sold: BTreeSet::new(),
            looked_after: BTreeSet::new(),
        }
    }

    pub(super) fn accounts_of(&self, reseller: ResellerId) -> impl Iterator<Item = AccountNumber> {
        self.owned.get(&reseller).into_iter().flatten().copied()
    }

    /// The latest sale after `since` that was not declined, by the newest row of each operation.
    pub(super) fn latest_sale(
        &self,
        reseller: ResellerId,
        msisdn: Msisdn,
        amount_minor: i64,
        since: Timestamp,
    ) -> impl Iterator<Item = &Operation> {
        let first = OperationId::from_uuid(uuid::Uuid::nil());
        let last = OperationId::from_uuid(uuid::Uuid::max());
        let from = (reseller, msisdn, amount_minor, since.plus_ms(1), first);
        let to = (reseller, msisdn, amount_minor, Timestamp::from_unix_ms(i64::MAX), last);
        self.sold.range(from..=to).rev().filter_map(|sale| self.operations.get(&sale.4))
    }

    /// What became of the lines of a run, by their numbers.
    pub(super) fn outcomes_of(&self, run: OperationId) -> HashMap<i64, LineOutcome> {
        let of_run = |operation: &Operation| {
            let line = operation.allocation()?.run.filter(|line| line.run == run)?;
            let Operation { id, status, decline, amount_minor, .. } = *operation;
            Some((line.number, LineOutcome { operation: id, status, decline, amount_minor }))
        };
        self.operations.values().filter_map(of_run).collect()
    }

    pub(super) fn put_account(&mut self, account: Account) {
        if self.accounts.insert(account.number, account).is_none()
            && let Some(owner) = account.owner
        {
            self.owned.entry(owner).or_default().push(account.number);
        }
    }

    pub(super) fn put_operation(&mut self, operation: Operation) {
        if let Some(recharge) = operation.recharge() {
            let sale = (operation.reseller, recharge.msisdn, operation.amount_minor);
            self.sold.insert((sale.0, sale.1, sale.2, operation.created_at, operation.id));
        }
        if operation.is_looked_after() {
            self.looked_after.insert(operation.id);
        } else {
            self.looked_after.remove(&operation.id);
        }
        self.operations.insert(operation.id, operation);
    }

    /// What jobs look after, behind `after`, by id.
    pub(super) fn looked_after(&self, after: OperationId) -> impl Iterator<Item = &Operation> {
        let behind = (Bound::Excluded(after), Bound::Unbounded);
        self.looked_after.range(behind).filter_map(|id| self.operations.get(id))
    }

    /// What was sent under a reference, by the entry that made it: it ends with the last six digits of its sequence.
    pub(super) fn sent_under(&self, reference: i64) -> Option<&Operation> {
        let places = (reference % 1_000_000..=self.head.sequence).step_by(1_000_000);
        let subjects = places.filter_map(|sequence| self.entries.get(&sequence)).map(|stored| stored.entry.subject);
        let mut operations = subjects.filter_map(|subject| self.operations.get(&OperationId::from_uuid(subject)));
        operations.find(|operation| operation.recharge().is_some_and(|it| it.charging_reference == Some(reference)))
    }

    pub(super) fn put_entry(&mut self, mut entry: Entry, leaf: Hash) {
        for (line, posting) in std::mem::take(&mut entry.postings).into_iter().enumerate() {
            self.postings.insert((entry.sequence, line), posting);
        }
        if let Some(action) = entry.staff.take() {
            self.actions.insert(entry.sequence, action);
        }
        if let Some(item) = entry.evidence.take() {
            self.evidence.insert((item.operation, entry.sequence), item);
        }
        self.entries.insert(entry.sequence, StoredEntry { entry, leaf });
    }

    /// The entry with its postings, its staff action and its evidence.
    pub(super) fn entry(&self, stored: &StoredEntry) -> Entry {
        let sequence = stored.entry.sequence;
        let mut entry = stored.entry.clone();
        entry.postings = self.postings.range((sequence, 0)..(sequence + 1, 0)).map(|(_, posting)| *posting).collect();
        entry.staff = self.actions.get(&sequence).cloned();
        entry.evidence = self.evidence.get(&(OperationId::from_uuid(entry.subject), sequence)).cloned();
        entry
    }

    /// What was received about an operation, in its order.
    pub(super) fn evidence_of(&self, operation: OperationId) -> impl Iterator<Item = RecordedEvidence> {
        let items = self.evidence.range((operation, 0)..=(operation, i64::MAX));
        items.map(|((_, sequence), item)| RecordedEvidence { sequence: *sequence, item: item.clone() })
    }
}

impl Network {
    /// A reseller and all above it.
    pub(super) fn line(&self, reseller: ResellerId) -> impl Iterator<Item = &Registration> {
        let above = |place: &&Registration| self.registrations.get(&place.parent?);
        std::iter::successors(self.registrations.get(&reseller), above)
    }

    pub(super) fn put(&mut self, registration: Registration) {
        let (id, code, parent) = (registration.id, registration.code.clone(), registration.parent);
        if let Some(before) = self.registrations.insert(id, registration) {
            if self.codes.get(&before.code) == Some(&id) {
                self.codes.remove(&before.code);
            }
            if let Some(children) = before.parent.and_then(|parent| self.children.get_mut(&parent)) {
                children.retain(|child| *child != id);
            }
        }
        self.codes.insert(code, id);
        if let Some(parent) = parent {
            self.children.entry(parent).or_default().push(id);
        }
    }
}
