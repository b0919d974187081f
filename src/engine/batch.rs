//! One batch as one transaction: lock, load, claim, decide, persist. Commit and answers are the poster's.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::time::Instant;

use crate::domain::encoding::Hash;
use crate::domain::operation::claim_key;
use crate::domain::{AccountNumber, Operation, OperationId, RecordKind, RecordWant, ResellerId, Shard};
use crate::ledger::command::Reserve;
use crate::ledger::limits::{TallyKey, tallies_wanted};
use crate::ledger::terminal;
use crate::ledger::tree::TreeWants;
use crate::ledger::{
    Books, Changes, Command, Moment, Outcome, Refusal, Request, ShardBooks, close_days, closing, decide, knows_reseller,
};
use crate::ports::{RecentRecharge, SalesSince, Session, ShardKey, StoreError, TallyQuestion, Wants};

/// Sales of the guard's time that a new memory of a shard reads at most; with more, the store is asked about each
/// recharge until the guard's time has passed.
const SALES_LIMIT: u32 = 20_000;

/// What became of each command of a batch, in order.
pub type Results = Vec<Result<Outcome, Refusal>>;

/// By which an unknown commit is recognised: an entry that only its transaction writes.
pub type Witness = (Shard, i64, Hash);

/// A batch that has been decided. Under the locks it has been written too, but not committed.
pub struct Prepared {
    pub results: Results,
    pub changes: Vec<Changes>,
}

impl Prepared {
    /// `None` when there is nothing to write.
    pub fn witness(&self) -> Option<Witness> {
        let entry = self.changes.first()?.entries.first()?;
        Some((entry.shard, entry.sequence, entry.leaf()))
    }
}

/// One transaction over the poster's session and memory.
pub struct Batch<'a> {
    pub session: &'a mut dyn Session,
    pub books: &'a mut Books,
    pub shard_count: u16,
    pub moment: Moment<'a>,
}

/// Records how long a phase took; gives the beginning of the next one.
fn phase(name: &'static str, begun: Instant) -> Instant {
    let now = Instant::now();
    metrics::histogram!("taabia_engine_phase_seconds", "phase" => name).record((now - begun).as_secs_f64());
    now
}

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

/// Keys of a batch: for each command the operation that holds its key, itself or another.
type Claims = Vec<Option<OperationId>>;

/// The keys of a batch, before the store was asked.
struct Keys {
    /// One for each command that claims one.
    named: Vec<Option<ShardKey>>,
    holders: HashMap<ShardKey, OperationId>,
    /// Those that may be taken.
    asked: Vec<ShardKey>,
}

impl Keys {
    fn claims(&self) -> Claims {
        self.named.iter().map(|key| key.and_then(|key| self.holders.get(&key).copied())).collect()
    }
}

impl Batch<'_> {
    /// Decides the batch by memory alone, where memory holds all that it needs: nothing is read, and what it writes
    /// is good only if the shards still stand as memory has them.
    pub fn prepare_by_memory(&mut self, commands: &[&Command]) -> Option<Prepared> {
        let begun = Instant::now();
        let shards = self.shards_of(commands);
        let in_memory = shards.iter().all(|shard| self.books.get(*shard).is_some());
        let knows_all = || {
            self.wants_sales(&shards).is_empty()
                && self.wants(commands, &shards).is_empty()
                && self.wants_further(commands).is_empty()
        };
        if !in_memory || !knows_all() {
            return None;
        }
        let keys = self.keys(commands);
        if !keys.asked.is_empty() {
            return None;
        }
        let prepared = self.decide(commands, &keys.claims(), &shards);
        phase("decide", begun);
        if prepared.changes.len() == shards.len() {
            return Some(prepared);
        }
        // An answer about a shard that is not written to would not be confirmed by the write. What was recorded in the
        // others is undone by forgetting them.
        prepared.changes.iter().for_each(|changes| self.books.remove(changes.head.shard));
        None
    }

    /// Everything up to the commit, under the shards' locks.
    pub async fn prepare_locked(&mut self, commands: &[&Command]) -> Result<Prepared, StoreError> {
        let begun = Instant::now();
        let shards = self.shards_of(commands);
        self.lock(&shards).await?;
        let locked = phase("lock", begun);
        self.load(commands, &shards).await?;
        let loaded = phase("load", locked);
        let claims = self.claim(commands).await?;
        let claimed = phase("claim", loaded);
        let prepared = self.decide(commands, &claims, &shards);
        let decided = phase("decide", claimed);
        if !prepared.changes.is_empty() {
            self.session.persist(&prepared.changes).await?;
        }
        phase("persist", decided);
        Ok(prepared)
    }

    /// Writes and commits what was decided by memory.
    pub async fn post(&mut self, changes: &[Changes]) -> Result<(), StoreError> {
        let begun = Instant::now();
        let posted = self.session.post(changes).await;
        phase("post", begun);
        posted
    }

    /// The shards that the commands touch, ascending.
    fn shards_of(&self, commands: &[&Command]) -> Vec<Shard> {
        let homes = commands.iter().map(|command| command.request.home(self.shard_count));
        let others = commands.iter().flat_map(|command| command.request.other_shards(self.shard_count));
        let mut shards: Vec<Shard> = homes.chain(others).collect();
        shards.sort_unstable();
        shards.dedup();
        shards
    }

    /// Locks the shards and drops from memory what another node has changed since.
    async fn lock(&mut self, shards: &[Shard]) -> Result<(), StoreError> {
        let heads = self.session.lock(shards).await?;
        if heads.len() != shards.len() {
            return Err(StoreError::Corrupt(format!("of the shards {shards:?} only {} have a row", heads.len())));
        }
        for head in heads {
            let valid = self.books.get(head.shard).is_some_and(|books| *books.head() == head);
            if !valid {
                metrics::counter!("taabia_engine_cache_misses_total").increment(1);
                self.books.insert(ShardBooks::new(head));
            }
        }
        Ok(())
    }

    async fn load(&mut self, commands: &[&Command], shards: &[Shard]) -> Result<(), StoreError> {
        let sales = self.wants_sales(shards);
        self.fetch(Wants { sales, ..Wants::default() }).await?;
        let wants = self.wants(commands, shards);
        self.books.tree_mut().clear();
        self.fetch(wants).await?;
        let further = self.wants_further(commands);
        self.fetch(further).await
    }

    /// What the decisions need and memory does not hold.
    fn wants(&self, commands: &[&Command], shards: &[Shard]) -> Wants {
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
            if let Some(operation) = command.request.moves() {
                self.want_operation(&mut operations, operation);
            }
            match &command.request {
                Request::SettleTransfer(settle) => self.want_open(&mut operations, &mut resellers, settle.operation),
                Request::Resolve(resolve) => self.want_open(&mut operations, &mut resellers, resolve.operation),
                Request::Reserve(reserve) if self.may_be_similar(reserve) => {
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
        wants.resellers = resellers.into_iter().collect();
        wants.operations = operations.into_iter().collect();
        wants.recent = recent.into_iter().collect();
        let unread = shards.iter().filter(|shard| !self.books.shard(**shard).records().knows(&CATALOGUE));
        wants.records = records.into_iter().chain(unread.map(|shard| (*shard, CATALOGUE))).collect();
        wants.accounts = self.forgotten_accounts(commands);
        wants.tree = without_repetition(tree);
        wants
    }

    /// What is known to be needed once resellers and configuration are in memory: rules, policies and limits say so.
    fn wants_further(&self, commands: &[&Command]) -> Wants {
        let (records, tallies) = (self.wants_terminals(commands), self.wants_tallies(commands));
        Wants { records, tallies, ..self.wants_owners(commands) }
    }

    /// What limits count besides the days of resellers.
    fn wants_tallies(&self, commands: &[&Command]) -> Vec<TallyQuestion> {
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
    fn wants_sales(&self, shards: &[Shard]) -> Vec<SalesSince> {
        let guard_ms = self.moment.rules.similar_guard_ms;
        let new = shards.iter().copied().filter(|shard| guard_ms > 0 && self.books.shard(*shard).wants_sales());
        let since = self.moment.now.plus_ms(-guard_ms);
        new.map(|shard| SalesSince { shard, since, limit: SALES_LIMIT }).collect()
    }

    /// Which terminals a decision reads is known once the partners' policies are.
    fn wants_terminals(&self, commands: &[&Command]) -> Vec<(Shard, RecordWant)> {
        let mut records = HashSet::new();
        for command in commands {
            if let Request::Reserve(reserve) = &command.request
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
    fn forgotten_accounts(&self, commands: &[&Command]) -> Vec<(Shard, AccountNumber)> {
        let resolved = commands.iter().filter_map(|command| match &command.request {
            Request::Resolve(resolve) => Some(resolve.operation),
            _ => None,
        });
        let operations = resolved.filter_map(|id| self.books.get(id.shard())?.operation(id));
        let mut wanted: Vec<_> = operations.flat_map(|operation| self.accounts_of(operation)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// What an operation will post to and is not in memory.
    fn accounts_of(&self, operation: &Operation) -> Vec<(Shard, AccountNumber)> {
        let shard = operation.id.shard();
        let Some(books) = self.books.get(shard) else { return Vec::new() };
        let earned = operation.recharge().into_iter().flat_map(|recharge| recharge.terms.earned.iter());
        let numbers = earned.map(|earned| earned.account).chain(books.hold(operation.id).map(|hold| hold.account));
        numbers.filter(|number| books.account(*number).is_none()).map(|number| (shard, number)).collect()
    }

    /// Who stands above sellers and receivers, where the catalogue has rules, and what they have in the shard.
    fn wants_owners(&self, commands: &[&Command]) -> Wants {
        let mut ancestries = HashSet::new();
        let mut owners = HashSet::new();
        for command in commands {
            let home = command.request.home(self.shard_count);
            let (shard, reseller) = match &command.request {
                Request::Reserve(reserve) => (home, reserve.reseller),
                Request::AllocateStock(allocate) => (Shard::of(allocate.to.uuid(), self.shard_count), allocate.to),
                Request::OpenReseller(open) => match open.registration.parent {
                    Some(parent) => (home, parent),
                    None => continue,
                },
                Request::PayCommission(pay) => {
                    self.want_owner(&mut owners, home, pay.to);
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

    fn want_owner(&self, wanted: &mut HashSet<(Shard, ResellerId)>, shard: Shard, owner: ResellerId) {
        if self.books.get(shard).is_some_and(|books| !books.owners().knows_accounts_of(owner)) {
            wanted.insert((shard, owner));
        }
    }

    fn may_be_similar(&self, reserve: &Reserve) -> bool {
        let key = (reserve.reseller, reserve.msisdn, reserve.amount_minor);
        let shard = Shard::of(reserve.reseller.uuid(), self.shard_count);
        !reserve.allow_repeat
            && self.moment.rules.similar_guard_ms > 0
            && self.books.get(shard).is_some_and(|books| books.may_be_similar(&key, &self.moment))
    }

    fn want_reseller(&self, wanted: &mut HashSet<(Shard, ResellerId)>, reseller: ResellerId) {
        let shard = Shard::of(reseller.uuid(), self.shard_count);
        if self.books.get(shard).is_some_and(|books| books.reseller(reseller).is_none()) {
            wanted.insert((shard, reseller));
        }
    }

    /// An operation that may be open: then what its hold stands on is needed too.
    fn want_open(
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

    fn want_operation(&self, wanted: &mut HashSet<OperationId>, operation: OperationId) {
        if self.books.get(operation.shard()).is_some_and(|books| books.operation(operation).is_none()) {
            wanted.insert(operation);
        }
    }

    /// Loads what is wanted, then the resellers of operations that came with it.
    async fn fetch(&mut self, mut wants: Wants) -> Result<(), StoreError> {
        while !wants.is_empty() {
            let loaded = self.session.load(&wants).await?;
            for (shard, account) in loaded.accounts {
                self.books.shard_mut(shard).admit_account(account);
            }
            for (shard, reseller) in loaded.resellers {
                self.books.shard_mut(shard).admit_reseller(reseller);
            }
            for (question, created_at) in loaded.recent {
                let key = (question.reseller, question.msisdn, question.amount_minor);
                self.books.shard_mut(question.shard).admit_similar(key, created_at);
            }
            for (shard, record) in loaded.records {
                self.books.shard_mut(shard).admit_record(record.into());
            }
            for (shard, want) in wants.records {
                self.books.shard_mut(shard).complete_records(want);
            }
            for (shard, owner) in wants.resellers {
                self.books.shard_mut(shard).owners_mut().complete(owner);
            }
            for (question, sales) in loaded.sales {
                let books = self.books.shard_mut(question.shard);
                books.admit_sales(question.since, sales.as_deref(), &self.moment);
            }
            for (shard, key, tally) in loaded.tallies {
                self.books.shard_mut(shard).tallies_mut().admit(key, tally);
            }
            self.books.tree_mut().admit(loaded.tree);
            let mut resellers = HashSet::new();
            let mut accounts = HashSet::new();
            for (shard, ancestry) in loaded.ancestries {
                ancestry.iter().for_each(|rung| self.want_owner(&mut resellers, shard, rung.reseller));
                self.books.shard_mut(shard).owners_mut().admit_ancestry(ancestry);
            }
            for (operation, hold) in loaded.operations {
                if hold.is_some() {
                    self.want_reseller(&mut resellers, operation.reseller);
                }
                accounts.extend(self.accounts_of(&operation));
                self.books.shard_mut(operation.id.shard()).admit_operation(operation, hold);
            }
            let (resellers, accounts) = (resellers.into_iter().collect(), accounts.into_iter().collect());
            wants = Wants { resellers, accounts, ..Wants::default() };
        }
        Ok(())
    }

    /// Says for each command which operation holds its key, itself or another, and loads those that were decided
    /// before. What no one is known to have claimed is taken for new; the store refuses the batch when it is not.
    async fn claim(&mut self, commands: &[&Command]) -> Result<Claims, StoreError> {
        let mut keys = self.keys(commands);
        if !keys.asked.is_empty() {
            let mut wanted = HashSet::new();
            for claim in self.session.holders(&keys.asked).await? {
                keys.holders.insert(ShardKey { shard: claim.shard, key: claim.key }, claim.operation);
                self.want_operation(&mut wanted, claim.operation);
            }
            self.fetch(Wants { operations: wanted.into_iter().collect(), ..Wants::default() }).await?;
        }
        Ok(keys.claims())
    }

    /// The keys of the commands, each held by the first that names it until the store says otherwise.
    fn keys(&self, commands: &[&Command]) -> Keys {
        let mut asked = Vec::new();
        let mut holders: HashMap<ShardKey, OperationId> = HashMap::new();
        let mut opened = HashSet::new();
        let keys: Vec<_> = commands
            .iter()
            .map(|command| {
                if let Request::OpenReseller(open) = &command.request {
                    opened.insert(open.registration.id);
                }
                let (key, operation) = command.request.key()?;
                // One that is opened earlier in the batch will exist when this command is decided.
                let mut parties = command.request.reseller().into_iter().chain(command.request.receiver());
                if !parties.all(|party| opened.contains(&party) || knows_reseller(self.books, self.shard_count, party))
                {
                    return None;
                }
                let shard = command.request.home(self.shard_count);
                let key = ShardKey { shard, key: claim_key(key.partner, key.reseller, &key.external_id) };
                holders.entry(key).or_insert_with(|| {
                    if self.books.shard(shard).may_be_claimed(&key.key) {
                        asked.push(key);
                    }
                    operation
                });
                Some(key)
            })
            .collect();
        Keys { named: keys, holders, asked }
    }

    /// Begins with closing the business days that are over.
    fn decide(&mut self, commands: &[&Command], claims: &Claims, shards: &[Shard]) -> Prepared {
        for shard in shards {
            close_days(self.books.shard_mut(*shard), &self.moment);
        }
        let results = commands
            .iter()
            .zip(claims)
            .map(|(command, holder)| {
                let existing = match (command.request.key(), holder) {
                    (Some(_), None) => return Err(Refusal::UnknownReseller),
                    (Some((key, operation)), Some(holder)) => self.holder_of(&key, operation, *holder)?,
                    (None, _) => None,
                };
                decide(self.books, self.shard_count, command, existing.as_ref(), &self.moment)
            })
            .collect();
        let changes = shards.iter().filter_map(|shard| self.books.shard_mut(*shard).take_changes()).collect();
        Prepared { results, changes }
    }

    /// The operation that holds the key, unless it is the command's own and still to be decided.
    fn holder_of(
        &self,
        key: &crate::ledger::command::Key,
        own: OperationId,
        holder: OperationId,
    ) -> Result<Option<Arc<Operation>>, Refusal> {
        match self.books.get(holder.shard()).and_then(|books| books.operation(holder)) {
            Some(operation) => {
                // Keys are found by a truncated digest; the full key decides.
                let same = (operation.partner, operation.reseller, &operation.external_id)
                    == (key.partner, key.reseller, &key.external_id);
                if same { Ok(Some(operation.clone())) } else { Err(Refusal::KeyReused { field: "external_id" }) }
            }
            None if holder == own => Ok(None),
            None => Err(Refusal::UnknownOperation),
        }
    }
}
