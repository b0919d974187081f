//! What a batch needs in memory before it is decided, and does not find there.

use std::collections::HashSet;

use super::batch::Batch;
use crate::domain::topup::acquirer_owner;
use crate::domain::{AccountNumber, Operation, OperationId, RecordKind, RecordWant, ResellerId, SettledLine, Shard};
use crate::ledger::command::{BookDispute, Reserve, Rule, SettleRefund, TendDisputes, TopupEvidence};
use crate::ledger::limits::{TallyKey, tallies_wanted};
use crate::ledger::tree::TreeWants;
use crate::ledger::{Command, Request, clawback, closing, evidence, terminal};
use crate::ports::{RecentRecharge, SalesSince, SettledWants, TallyQuestion, Wants};

/// Sales of the guard's time that a new memory of a shard reads at most; with more, the store is asked about each
/// recharge until the guard's time has passed.
const SALES_LIMIT: u32 = 20_000;

/// Every shard has the catalogue in memory.
const CATALOGUE: RecordWant = RecordWant::Kind(RecordKind::Catalogue);

/// Many commands ask for the same parent.
fn without_repetition(mut wants: TreeWants) -> TreeWants {
    wants.codes.sort_unstable();
    wants.codes.dedup();
    wants.lines.sort_unstable();
    wants.lines.dedup();
    wants.below.sort_unstable();
    wants.below.dedup();
    wants
}

impl Batch<'_> {
    /// What the decisions need and memory does not hold.
    pub(super) fn wants(&self, commands: &[&Command], shards: &[Shard]) -> Wants {
        let mut wants = Wants {
            system_accounts: shards.iter().copied().filter(|s| !self.books.shard(*s).knows_system_accounts()).collect(),
            ..Wants::default()
        };
        let mut resellers = HashSet::new();
        let mut operations = HashSet::new();
        let mut recent = HashSet::new();
        let mut records = HashSet::new();
        let mut tree = TreeWants::default();
        for shard in shards {
            let books = self.books.shard(*shard);
            let closings = closing::days_over(books, &self.moment).into_iter().map(closing::key).map(RecordWant::One);
            records.extend(closings.filter(|want| !books.records().knows(want)).map(|want| (*shard, want)));
        }
        for command in commands {
            let TreeWants { codes, lines, below } = command.request.tree();
            tree.codes.extend(codes);
            tree.lines.extend(lines);
            tree.below.extend(below);
            for reseller in command.request.reseller().into_iter().chain(command.request.receiver()) {
                self.want_reseller(&mut resellers, reseller);
            }
            let wanted = command.request.records(self.shard_count).into_iter();
            records.extend(wanted.filter(|(shard, want)| !self.books.shard(*shard).records().knows(want)));
            for operation in command.request.moves().into_iter().chain(command.request.moves_with()) {
                self.want_operation(&mut operations, operation);
            }
            match &command.request {
                Request::SettleTransfer(settle) => self.want_open(&mut operations, &mut resellers, settle.operation),
                Request::Resolve(resolve) => self.want_open(&mut operations, &mut resellers, resolve.operation),
                Request::Reserve(reserve) | Request::TryReserve(reserve) if self.may_be_similar(reserve) => {
                    recent.insert(RecentRecharge {
                        shard: command.request.home(self.shard_count),
                        reseller: reserve.reseller,
                        msisdn: reserve.msisdn,
                        amount_minor: reserve.amount_minor,
                        since: self.moment.now.plus_ms(-self.moment.rules.similar_guard_ms),
                    });
                }
                _ => {}
            }
        }
        wants.settled = self.wants_settled(commands);
        wants.resellers = resellers.into_iter().collect();
        wants.operations = operations.into_iter().collect();
        wants.recent = recent.into_iter().collect();
        let unread = shards.iter().filter(|shard| !self.books.shard(**shard).records().knows(&CATALOGUE));
        wants.records = records.into_iter().chain(unread.map(|shard| (*shard, CATALOGUE))).collect();
        wants.accounts = self.forgotten_accounts(commands);
        wants.tree = without_repetition(tree);
        wants
    }

    /// What of settlement files may have been settled before, where nobody has asked yet.
    fn wants_settled(&self, commands: &[&Command]) -> SettledWants {
        let Some(books) = self.books.get(Shard::OPERATOR) else { return SettledWants::default() };
        let booked = commands.iter().filter_map(|command| match &command.request {
            Request::BookSettlement(book) if books.settled().covered(&book.before).is_none() => Some(book),
            _ => None,
        });
        let mut wants = SettledWants::default();
        for book in booked {
            let keys = book.lines.iter().map(|line| line.key(&book.acquirer));
            wants.keys.extend(keys.filter(|key| !books.settled().knows(key)));
            let payments = book.lines.iter().filter_map(SettledLine::pays);
            wants.payments.extend(payments.filter(|payment| !books.settled().knows_payment(*payment)));
        }
        let resolved = commands.iter().filter_map(|command| command.request.resolution()?.pays());
        wants.payments.extend(resolved.filter(|payment| !books.settled().knows_payment(*payment)));
        wants
    }

    /// What is known to be needed once resellers and configuration are in memory: rules, policies and limits say so.
    pub(super) fn wants_further(&self, commands: &[&Command]) -> Wants {
        let (mut records, tallies) = (self.wants_terminals(commands), self.wants_tallies(commands));
        let mut operations = HashSet::new();
        self.want_clawbacks(commands, &mut records, &mut operations);
        let operations = operations.into_iter().collect();
        Wants { operations, records, tallies, evidence: self.wants_evidence(commands), ..self.wants_owners(commands) }
    }

    /// What was received before about recharges in doubt, or at their end.
    fn wants_evidence(&self, commands: &[&Command]) -> Vec<OperationId> {
        let wanted = commands.iter().filter_map(|command| {
            let (id, reads) = match &command.request {
                Request::Resolve(resolve) => (resolve.operation, Some(resolve)),
                other => (other.statement()?.recharge, None),
            };
            let books = self.books.get(id.shard())?;
            let operation = books.operation(id)?;
            let reads = reads.is_none_or(|resolve| evidence::reads_earlier(operation, resolve));
            let reads = reads && !books.evidence().knows(id);
            reads.then_some(operation.id)
        });
        wanted.collect::<HashSet<_>>().into_iter().collect()
    }

    /// What waits for stock that holds may release, where the balance of an account says that something does.
    fn want_clawbacks(
        &self,
        commands: &[&Command],
        records: &mut Vec<(Shard, RecordWant)>,
        operations: &mut HashSet<OperationId>,
    ) {
        let mut asked = HashSet::new();
        for command in commands {
            let (shard, reseller) = match &command.request {
                Request::Resolve(resolve) => {
                    let shard = resolve.operation.shard();
                    let operation = self.books.get(shard).and_then(|books| books.operation(resolve.operation));
                    (shard, operation.map(|operation| operation.reseller))
                }
                Request::SettleTransfer(settle) => (settle.operation.shard(), Some(settle.from)),
                Request::Rule(Rule { statement: Some(stated), .. }) => (stated.recharge.shard(), Some(stated.reseller)),
                _ => continue,
            };
            let Some((books, reseller)) = self.books.get(shard).zip(reseller) else { continue };
            if clawback::waits(books, reseller).is_none() || !asked.insert(reseller) {
                continue;
            }
            let want = RecordWant::One(clawback::key(reseller));
            if books.records().knows(&want) {
                let topups = clawback::topups(&clawback::standing(books, reseller));
                for topup in topups {
                    self.want_operation(operations, topup);
                }
            } else {
                records.push((shard, want));
            }
        }
    }

    /// What limits count besides the days of resellers.
    pub(super) fn wants_tallies(&self, commands: &[&Command]) -> Vec<TallyQuestion> {
        let requests: Vec<_> = commands.iter().map(|command| &command.request).collect();
        let shard_of = |reseller: ResellerId| Shard::of(reseller.uuid(), self.shard_count);
        let wanted: HashSet<_> =
            tallies_wanted(|reseller| self.books.get(shard_of(reseller)), &requests).into_iter().collect();
        let question = |key: TallyKey| {
            let shard = shard_of(key.reseller);
            let day = self.moment.day_of(self.books.shard(shard).recorded_at(self.moment.now));
            let (month, calendar) = (day.first_of_month(), &self.moment.rules.calendar);
            TallyQuestion {
                shard,
                key,
                day,
                month,
                day_begins: calendar.begins_at(day),
                month_begins: calendar.begins_at(month),
            }
        };
        wanted.into_iter().map(question).collect()
    }

    /// What was sold lately, of shards that are new in memory.
    pub(super) fn wants_sales(&self, shards: &[Shard]) -> Vec<SalesSince> {
        let guard_ms = self.moment.rules.similar_guard_ms;
        let new = shards.iter().copied().filter(|shard| guard_ms > 0 && self.books.shard(*shard).wants_sales());
        let since = self.moment.now.plus_ms(-guard_ms);
        new.map(|shard| SalesSince { shard, since, limit: SALES_LIMIT }).collect()
    }

    /// Which terminals a decision reads is known once the partners' policies are.
    pub(super) fn wants_terminals(&self, commands: &[&Command]) -> Vec<(Shard, RecordWant)> {
        let mut records = HashSet::new();
        for command in commands {
            if let Request::Reserve(reserve) | Request::TryReserve(reserve) = &command.request
                && reserve.terminal.is_some()
            {
                let shard = command.request.home(self.shard_count);
                let books = self.books.shard(shard);
                let want = terminal::want(books, reserve).filter(|want| !books.records().knows(want));
                records.extend(want.map(|want| (shard, want)));
            }
        }
        records.into_iter().collect()
    }

    /// Those that the terms of an operation in memory name. One that comes from the store brings its own.
    pub(super) fn forgotten_accounts(&self, commands: &[&Command]) -> Vec<(Shard, AccountNumber)> {
        let resolved = commands.iter().filter_map(|command| match &command.request {
            Request::Resolve(resolve) => Some(resolve.operation),
            Request::AdvanceReversal(advance) => Some(advance.recharge),
            other => other.statement().map(|stated| stated.recharge),
        });
        let operations = resolved.filter_map(|id| self.books.get(id.shard())?.operation(id));
        let mut wanted: Vec<_> = operations.flat_map(|operation| self.accounts_of(operation)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// What an operation will post to and is not in memory.
    pub(super) fn accounts_of(&self, operation: &Operation) -> Vec<(Shard, AccountNumber)> {
        let shard = operation.id.shard();
        let Some(books) = self.books.get(shard) else { return Vec::new() };
        let earned = operation.recharge().into_iter().flat_map(|recharge| recharge.terms.earned.iter());
        let numbers = earned.map(|earned| earned.account).chain(books.hold(operation.id).map(|hold| hold.account));
        numbers.filter(|number| books.account(*number).is_none()).map(|number| (shard, number)).collect()
    }

    /// Who stands above sellers and receivers, where the catalogue has rules, and what they have in the shard.
    pub(super) fn wants_owners(&self, commands: &[&Command]) -> Wants {
        let mut ancestries = HashSet::new();
        let mut owners = HashSet::new();
        for command in commands {
            let home = command.request.home(self.shard_count);
            let (shard, reseller) = match &command.request {
                Request::Reserve(reserve) | Request::TryReserve(reserve) => (home, reserve.reseller),
                Request::AllocateStock(allocate) => (Shard::of(allocate.to.uuid(), self.shard_count), allocate.to),
                Request::OpenReseller(open) => match open.registration.parent {
                    Some(parent) => (home, parent),
                    None => continue,
                },
                Request::StartTopup(start) => (home, start.reseller),
                Request::PayCommission(pay) => {
                    self.want_owner(&mut owners, home, pay.to);
                    continue;
                }
                Request::Propose(_) | Request::Rule(_) => {
                    if let Some((asked, topup)) = command.request.resolution().and_then(|r| Some((r, r.topup()?))) {
                        self.want_owner(&mut owners, topup.shard(), acquirer_owner(&asked.item.acquirer));
                    }
                    continue;
                }
                Request::SettleRefund(SettleRefund { acquirer, .. })
                | Request::BookDispute(BookDispute { acquirer, .. })
                | Request::TendDisputes(TendDisputes { acquirer, .. }) => {
                    self.want_owner(&mut owners, home, acquirer_owner(acquirer));
                    continue;
                }
                Request::AdvanceTopup(advance) => {
                    if let TopupEvidence::Taken { acquirer, .. } = &advance.evidence {
                        self.want_owner(&mut owners, home, acquirer_owner(acquirer));
                    }
                    continue;
                }
                Request::BookSettlement(book) => {
                    let owner = acquirer_owner(&book.acquirer);
                    self.want_owner(&mut owners, home, owner);
                    for shard in command.request.other_shards(self.shard_count) {
                        self.want_owner(&mut owners, shard, owner);
                    }
                    continue;
                }
                _ => continue,
            };
            let books = self.books.shard(shard);
            let has_rules = books.catalogue().is_some_and(|(_, catalogue)| catalogue.has_rules());
            if has_rules && books.owners().ancestry(reseller).is_none() {
                ancestries.insert((shard, reseller));
            }
        }
        let (resellers, ancestries) = (owners.into_iter().collect(), ancestries.into_iter().collect());
        Wants { resellers, ancestries, ..Wants::default() }
    }

    pub(super) fn want_owner(&self, wanted: &mut HashSet<(Shard, ResellerId)>, shard: Shard, owner: ResellerId) {
        if self.books.get(shard).is_some_and(|books| !books.owners().knows_accounts_of(owner)) {
            wanted.insert((shard, owner));
        }
    }

    pub(super) fn may_be_similar(&self, reserve: &Reserve) -> bool {
        let key = (reserve.reseller, reserve.msisdn, reserve.amount_minor);
        let shard = Shard::of(reserve.reseller.uuid(), self.shard_count);
        !reserve.allow_repeat
            && self.moment.rules.similar_guard_ms > 0
            && self.books.get(shard).is_some_and(|books| books.may_be_similar(&key, &self.moment))
    }

    pub(super) fn want_reseller(&self, wanted: &mut HashSet<(Shard, ResellerId)>, reseller: ResellerId) {
        let shard = Shard::of(reseller.uuid(), self.shard_count);
        if self.books.get(shard).is_some_and(|books| books.reseller(reseller).is_none()) {
            wanted.insert((shard, reseller));
        }
    }

    /// An operation that may be open: then what its hold stands on is needed too.
    pub(super) fn want_open(
        &self,
        operations: &mut HashSet<OperationId>,
        resellers: &mut HashSet<(Shard, ResellerId)>,
        id: OperationId,
    ) {
        match self.books.get(id.shard()).and_then(|books| books.operation(id)) {
            Some(operation) if operation.status.is_open() => self.want_reseller(resellers, operation.reseller),
            Some(_) => {}
            None => self.want_operation(operations, id),
        }
    }

    pub(super) fn want_operation(&self, wanted: &mut HashSet<OperationId>, operation: OperationId) {
        if self.books.get(operation.shard()).is_some_and(|books| books.operation(operation).is_none()) {
            wanted.insert(operation);
        }
    }
}
