//! One batch as one transaction: lock, load, claim, decide, persist. Commit and answers are the poster's.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::time::Instant;

use crate::domain::encoding::Hash;
use crate::domain::operation::claim_key;
use crate::domain::{Operation, OperationId, Shard};
use crate::ledger::{
    Books, Changes, Command, Moment, Outcome, Refusal, Request, ShardBooks, clawback, close_days, decide,
    knows_reseller,
};
use crate::ports::{RecordedEvidence, Session, ShardKey, StoreError, Wants};

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
        let first = self.changes.first()?.entries.first()?;
        Some((first.entry.shard, first.entry.sequence, first.leaf))
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

/// The shards that the commands touch, ascending.
pub fn shards_of(commands: &[&Command], shard_count: u16) -> Vec<Shard> {
    let homes = commands.iter().map(|command| command.request.home(shard_count));
    let others = commands.iter().flat_map(|command| command.request.other_shards(shard_count));
    let mut shards: Vec<Shard> = homes.chain(others).collect();
    shards.sort_unstable();
    shards.dedup();
    shards
}

impl Batch<'_> {
    /// Decides the batch, which touches `shards`, by memory alone, where memory holds all that it needs: nothing is read, and what it writes
    /// is good only if the shards still stand as memory has them.
    pub fn prepare_by_memory(&mut self, commands: &[&Command], shards: &[Shard]) -> Option<Prepared> {
        let begun = Instant::now();
        let in_memory = shards.iter().all(|shard| self.books.get(*shard).is_some());
        let knows_all = || {
            self.wants_sales(shards).is_empty()
                && self.wants(commands, shards).is_empty()
                && self.wants_further(commands).is_empty()
        };
        if !in_memory || !knows_all() {
            return None;
        }
        let keys = self.keys(commands);
        if !keys.asked.is_empty() {
            return None;
        }
        let prepared = self.decide(commands, &keys.claims(), shards);
        phase("decide", begun);
        if prepared.changes.len() == shards.len() {
            return Some(prepared);
        }
        // An answer about a shard that is not written to would not be confirmed by the write. What was recorded in the
        // others is undone by forgetting them.
        for changes in &prepared.changes {
            self.books.remove(changes.head.shard);
        }
        None
    }

    /// Everything up to the commit, under the shards' locks.
    pub async fn prepare_locked(&mut self, commands: &[&Command], shards: &[Shard]) -> Result<Prepared, StoreError> {
        let begun = Instant::now();
        self.lock(shards).await?;
        let locked = phase("lock", begun);
        self.load(commands, shards).await?;
        let loaded = phase("load", locked);
        let claims = self.claim(commands).await?;
        let claimed = phase("claim", loaded);
        let prepared = self.decide(commands, &claims, shards);
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
            let mut operations = HashSet::new();
            for (shard, record) in loaded.records {
                // Whoever reads what waits at a reseller reads the top-ups of it.
                let waiting = record.body().map(clawback::topups).unwrap_or_default();
                for topup in waiting {
                    self.want_operation(&mut operations, topup);
                }
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
            let settled = &wants.settled;
            if !settled.is_empty() {
                let books = self.books.shard_mut(Shard::OPERATOR).settled_mut();
                settled.keys.iter().for_each(|key| books.admit(*key, false));
                settled.payments.iter().for_each(|payment| books.admit_payment(*payment, false));
                loaded.settled.keys.into_iter().for_each(|key| books.admit(key, true));
                loaded.settled.payments.into_iter().for_each(|payment| books.admit_payment(payment, true));
            }
            self.admit_evidence(&wants.evidence, loaded.evidence);
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
            let operations = operations.into_iter().collect();
            wants = Wants { resellers, operations, accounts, ..Wants::default() };
        }
        Ok(())
    }

    fn admit_evidence(&mut self, wanted: &[OperationId], found: Vec<RecordedEvidence>) {
        let mut items: HashMap<OperationId, Vec<_>> = wanted.iter().map(|id| (*id, Vec::new())).collect();
        for RecordedEvidence { item, .. } in found {
            items.entry(item.operation).or_default().push(item);
        }
        for (operation, items) in items {
            self.books.shard_mut(operation.shard()).evidence_mut().admit(operation, items);
        }
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
