//! Writes small, right books by hand, straight into a store: what the engine would leave there, without it.

use taabia::domain::{
    Account, AccountClass, AccountNumber, Allocation, Asked, Asset, BusinessDay, Channel, ClientId, Decline, Details,
    Effect, Entry, EntryKind, EvidenceItem, EvidenceKind, ExternalId, FourEyes, Hold, Limits, Msisdn, Operation,
    OperationId, PartnerId, Posting, Proposal, Recharge, ResellerId, Ruling, Says, Shard, Side, Status, SystemName,
    Terms, Timestamp, Usage, Verdict, ids::uuid_v7,
};
use taabia::ledger::merkle::Frontier;
use taabia::ledger::{Appended, Changes, Head, Registration};
use taabia::ports::{Loaded, Session, Store, StoreError, Wants};

pub const PARTNER: PartnerId = PartnerId::from_uuid(uuid::Uuid::from_u128(7));

/// Begins the changes of one shard.
pub fn changes(head: &Head) -> Changes {
    Changes::of(head.clone(), Head { version: head.version + 1, ..head.clone() })
}

/// A reseller's id whose books are in `shard`.
pub fn reseller_in(shard: Shard, shards: u16, number: u128) -> ResellerId {
    let mut ids = (0..).map(|attempt| uuid::Uuid::from_u128(number << 64 | attempt));
    ResellerId::from_uuid(ids.find(|id| Shard::of(*id, shards) == shard).unwrap())
}

pub fn registration(id: ResellerId, code: &str) -> Registration {
    let (name, level) = (format!("Outlet {code}"), "outlet".parse().unwrap());
    Registration { id, code: code.into(), name, level, parent: None, created_at: Timestamp::EPOCH }
}

pub struct Scribe<'a> {
    store: &'a dyn Store,
    now_ms: i64,
    ids: u8,
}

/// One shard under its lock.
struct Desk {
    shard: Shard,
    changes: Changes,
    accounts: Vec<Account>,
    /// Of the next entry.
    evidence: Option<EvidenceItem>,
}

impl Desk {
    fn account(&mut self, number: AccountNumber) -> &mut Account {
        self.accounts.iter_mut().find(|account| account.number == number).unwrap()
    }

    fn move_on(&mut self, number: AccountNumber, side: Side, amount: i64) -> i64 {
        let account = self.account(number);
        account.posted += if account.class.line().normal_side == side { amount } else { -amount };
        account.posted
    }

    fn entry(
        &mut self,
        at: Timestamp,
        kind: EntryKind,
        subject: uuid::Uuid,
        digest: [u8; 32],
        moves: &[(AccountNumber, AccountNumber, i64)],
    ) {
        let postings = moves.iter().map(|&(debit, credit, amount_minor)| {
            let debit_after = self.move_on(debit, Side::Debit, amount_minor);
            let credit_after = self.move_on(credit, Side::Credit, amount_minor);
            Posting { debit, credit, asset: Asset::Airtime, amount_minor, debit_after, credit_after }
        });
        let postings = postings.collect();
        let head = &mut self.changes.head;
        head.sequence += 1;
        head.recorded_at = at;
        let (shard, sequence, actor) = (self.shard, head.sequence, "client:test".into());
        let appended = Appended::from(Entry {
            shard,
            sequence,
            kind,
            subject,
            digest,
            actor,
            recorded_at: at,
            postings,
            staff: None,
            evidence: self.evidence.take().map(std::sync::Arc::new),
        });
        head.frontier.append(appended.leaf);
        self.changes.entries.push(appended);
    }

    /// An entry about `operation`, which it brings to its place.
    fn entry_about(
        &mut self,
        operation: &mut Operation,
        kind: EntryKind,
        moves: &[(AccountNumber, AccountNumber, i64)],
    ) {
        operation.last_sequence = self.changes.head.sequence + 1;
        self.entry(operation.updated_at, kind, operation.id.uuid(), operation.digest(), moves);
    }
}

impl<'a> Scribe<'a> {
    pub fn new(store: &'a dyn Store) -> Self {
        Self { store, now_ms: 1_795_334_400_000, ids: 0 }
    }

    /// Goes on where another scribe stopped.
    pub fn later(store: &'a dyn Store) -> Self {
        Self { store, now_ms: 1_795_334_500_000, ids: 100 }
    }

    fn now(&mut self) -> Timestamp {
        self.now_ms += 1_000;
        Timestamp::from_unix_ms(self.now_ms)
    }

    fn operation(&mut self, shard: Shard, reseller: ResellerId, amount_minor: i64, details: Details) -> Operation {
        self.ids += 1;
        let at = self.now();
        Operation {
            id: OperationId::from_uuid(uuid_v7(at, [self.ids; 10], shard)),
            partner: PARTNER,
            reseller,
            external_id: format!("x-{}", self.ids).parse::<ExternalId>().unwrap(),
            amount_minor,
            status: Status::Completed,
            decline: None,
            balance_after: None,
            created_at: at,
            updated_at: at,
            details,
            last_sequence: 0,
        }
    }

    async fn open(&self, shards: &[Shard], wants: Wants) -> (Box<dyn Session>, Vec<Desk>, Loaded) {
        let mut session = self.store.session().await.unwrap();
        let heads = session.lock(shards).await.unwrap();
        let loaded = session.load(&Wants { system_accounts: shards.to_vec(), ..wants }).await.unwrap();
        let desks = heads.iter().map(|head| {
            let accounts = loaded.accounts.iter().filter(|(shard, _)| *shard == head.shard);
            Desk {
                shard: head.shard,
                changes: changes(head),
                accounts: accounts.map(|(_, account)| *account).collect(),
                evidence: None,
            }
        });
        (session, desks.collect(), loaded.clone())
    }

    async fn close(&self, mut session: Box<dyn Session>, desks: Vec<Desk>) -> Result<(), StoreError> {
        let finished = desks.into_iter().map(|mut desk| {
            let new = |number| desk.changes.new_accounts.iter().any(|account: &Account| account.number == number);
            let updated = desk.accounts.iter().filter(|account| !new(account.number)).copied();
            desk.changes.updated_accounts = updated.collect();
            desk.changes
        });
        let finished: Vec<_> = finished.collect();
        session.persist(&finished).await?;
        session.commit().await
    }

    pub async fn open_reseller(&mut self, shard: Shard, code: &str) -> ResellerId {
        let number = code.bytes().fold(1, |number, byte| number * 256 + u128::from(byte)) & 0xffff_ffff;
        let id = reseller_in(shard, self.store.shards(), number);
        let at = self.now();
        let (session, mut desks, _) = self.open(&[shard], Wants::default()).await;
        let desk = &mut desks[0];
        let stock_account = AccountNumber(desk.changes.head.next_account);
        desk.changes.head.next_account += 1;
        let stock = Account::empty(stock_account, AccountClass::ResellerStock, Some(id));
        let registration = registration(id, code);
        let reseller = taabia::ledger::network::opened(&registration, stock_account, Limits::default());
        let digest = taabia::ledger::network::digest(&reseller, &stock);
        desk.changes.new_accounts.push(stock);
        desk.changes.new_resellers.push(reseller);
        desk.changes.registrations.push(registration);
        desk.entry(at, EntryKind::ResellerOpened, id.uuid(), digest, &[]);
        self.close(session, desks).await.unwrap();
        id
    }

    pub async fn issue(&mut self, amount: i64) -> OperationId {
        let mut operation = self.operation(Shard::OPERATOR, ResellerId::OPERATOR, amount, approved());
        let (session, mut desks, _) = self.open(&[Shard::OPERATOR], Wants::default()).await;
        let (issued, stock) = (AccountClass::Issued.system_account(), AccountClass::OperatorStock.system_account());
        desks[0].entry_about(&mut operation, EntryKind::StockIssued, &[(issued, stock, amount)]);
        let id = operation.id;
        desks[0].changes.new_operations.push(operation);
        self.close(session, desks).await.unwrap();
        id
    }

    /// Allocates to a reseller in a shard that is not the operator's.
    pub async fn allocate(&mut self, to: ResellerId, amount: i64) -> OperationId {
        let shard = Shard::of(to.uuid(), self.store.shards());
        let mut operation = self.operation(Shard::OPERATOR, ResellerId::OPERATOR, amount, allocated(to));
        let wants = Wants { resellers: vec![(shard, to)], ..Wants::default() };
        let (session, mut desks, loaded) = self.open(&[Shard::OPERATOR, shard], wants).await;
        let transit = AccountClass::AirtimeInTransit.system_account();
        let stock = AccountClass::OperatorStock.system_account();
        desks[0].entry_about(&mut operation, EntryKind::StockAllocated, &[(stock, transit, amount)]);
        let moves = [(transit, loaded.resellers[0].1.stock_account, amount)];
        desks[1].entry(operation.created_at, EntryKind::AllocationReceived, operation.id.uuid(), [2; 32], &moves);
        let id = operation.id;
        desks[0].changes.new_operations.push(operation);
        self.close(session, desks).await.unwrap();
        id
    }

    pub async fn reserve(&mut self, reseller: ResellerId, amount: i64) -> OperationId {
        let shard = Shard::of(reseller.uuid(), self.store.shards());
        let recharge = Recharge {
            msisdn: Msisdn::from_digits(212_612_345_600 + u64::from(self.ids)).unwrap(),
            salt: [3; 16],
            product: "airtime".into(),
            terms: taabia::domain::SaleTerms::default(),
            channel: Channel::Atm,
            terminal: None,
            allow_repeat: false,
            charging_reference: Some(i64::from(self.ids)),
            asked: taabia::domain::AskedSystems::default(),
            submit_by: Timestamp::from_unix_ms(self.now_ms + 4_000),
            reversed_minor: 0,
        };
        let mut operation = self.operation(shard, reseller, amount, Details::Recharge(recharge));
        let wants = Wants { resellers: vec![(shard, reseller)], ..Wants::default() };
        let (session, mut desks, loaded) = self.open(&[shard], wants).await;
        let account = loaded.resellers[0].1.stock_account;
        let desk = &mut desks[0];
        desk.account(account).held += amount;
        let day = BusinessDay::of(operation.created_at, &jiff::tz::TimeZone::UTC);
        let usage = desk.account(account).usage.on(day);
        desk.account(account).usage = Usage { day, count: usage.count + 1, amount_minor: usage.amount_minor + amount };
        operation.status = Status::Submitted;
        operation.balance_after = Some(desk.account(account).available());
        desk.entry_about(&mut operation, EntryKind::RechargeReserved, &[]);
        let (placed_at, due_at, id) = (operation.created_at, operation.created_at.plus_ms(4_000), operation.id);
        desk.changes.placed_holds.push(Hold { operation: id, account, amount_minor: amount, placed_at, due_at });
        desk.changes.new_operations.push(operation);
        self.close(session, desks).await.unwrap();
        id
    }

    /// Moves an open recharge on.
    pub async fn resolve(&mut self, id: OperationId, status: Status) {
        self.resolve_with(id, status, true).await;
    }

    /// Also out of doubt, and without a word why.
    pub async fn resolve_unproven(&mut self, id: OperationId, status: Status) {
        self.resolve_with(id, status, false).await;
    }

    async fn resolve_with(&mut self, id: OperationId, status: Status, proven: bool) {
        let at = self.now();
        let found = self.store.operation(id).await.unwrap().unwrap();
        let resellers = vec![(id.shard(), found.reseller)];
        let wants = Wants { operations: vec![id], resellers, ..Wants::default() };
        let (session, mut desks, mut loaded) = self.open(&[id.shard()], wants).await;
        let (mut operation, hold) = loaded.operations.remove(0);
        let (desk, hold) = (&mut desks[0], hold.unwrap());
        operation.status = status;
        operation.updated_at = at;
        let delivered = AccountClass::Delivered.system_account();
        let (kind, moves) = match status {
            Status::Completed => (EntryKind::RechargeCompleted, vec![(hold.account, delivered, hold.amount_minor)]),
            Status::Declined => (EntryKind::RechargeReleased, vec![]),
            _ => (EntryKind::RechargeInDoubt, vec![]),
        };
        if !status.is_open() {
            operation.decline = (status == Status::Declined).then_some(Decline::ChargingDeclined);
            desk.account(hold.account).held -= hold.amount_minor;
            if status == Status::Declined {
                let usage = &mut desk.account(hold.account).usage;
                (usage.count, usage.amount_minor) = (usage.count - 1, usage.amount_minor - hold.amount_minor);
            }
            desk.changes.removed_holds.push(id);
            if proven && found.status == Status::InDoubt {
                desk.evidence = Some(item(&operation));
            }
        }
        desk.entry_about(&mut operation, kind, &moves);
        desk.changes.updated_operations.push(operation);
        self.close(session, desks).await.unwrap();
    }
}

/// What ended the doubt of a recharge.
fn item(operation: &Operation) -> EvidenceItem {
    let sent = operation.recharge().unwrap();
    EvidenceItem {
        operation: operation.id,
        kind: EvidenceKind::Inquiry,
        system: SystemName::MAIN,
        reference: sent.charging_reference.unwrap(),
        says: operation.decline.map_or(Says::Applied, Says::NotApplied),
        observed_at: operation.updated_at,
        excerpt: "told".into(),
        effect: Effect::Decided,
        submit_by: sent.submit_by,
        promised_at: sent.submit_by.plus_ms(1),
    }
}

/// The frontier of the leaves, from the first.
pub fn frontier(leaves: impl Iterator<Item = [u8; 32]>) -> Frontier {
    let mut frontier = Frontier::default();
    leaves.for_each(|leaf| frontier.append(leaf));
    frontier
}

/// An issue that two persons stood for.
fn approved() -> Details {
    let person = |number| ClientId::from_uuid(uuid::Uuid::from_u128(number));
    let at = Timestamp::from_unix_ms(1);
    let verdict = Verdict { checker: person(2), ruling: Ruling::Approve, reason: "agreed".parse().unwrap(), at };
    Details::FourEyes(Box::new(FourEyes {
        proposal: Proposal::Issue,
        maker: person(1),
        reason: "opening".parse().unwrap(),
        document: "PO-1".parse().unwrap(),
        expires_at: at,
        verdict: Some(verdict),
    }))
}

/// An allocation on consignment.
pub fn allocated(to: ResellerId) -> Details {
    Details::Allocation(Box::new(Allocation {
        to,
        terms: Terms::Consignment,
        reason: "stock".parse().unwrap(),
        asked: Asked::Exactly(1),
        price: None,
        run: None,
    }))
}
