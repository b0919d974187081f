//! One batch as one transaction: lock, load, claim, decide, persist. Commit and answers are the poster's.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::time::Instant;

use crate::domain::encoding::Hash;
use crate::domain::operation::claim_key;
use crate::domain::{Operation, OperationId, RecordWant, ResellerId, Shard};
use crate::ledger::command::Reserve;
use crate::ledger::{
    Books, Changes, Command, Moment, Outcome, Refusal, Request, ShardBooks, close_days, closing, decide, knows_reseller,
};
use crate::ports::{Claim, RecentRecharge, Session, StoreError, Wants};

/// What became of each command of a batch, in order.
pub type Results = Vec<Result<Outcome, Refusal>>;

/// A batch that has been decided and written, but not committed.
pub struct Prepared {
    pub results: Results,
    /// By which an unknown commit is recognised: an entry that only this transaction writes. `None` when
    /// nothing was written.
    pub witness: Option<(Shard, i64, Hash)>,
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

impl Batch<'_> {
    /// Everything up to the commit.
    pub async fn prepare(&mut self, commands: &[&Command]) -> Result<Prepared, StoreError> {
        let begun = Instant::now();
        let shards = self.lock(commands).await?;
        let locked = phase("lock", begun);
        self.load(commands, &shards).await?;
        let loaded = phase("load", locked);
        let claims = self.claim(commands).await?;
        let claimed = phase("claim", loaded);
        for shard in &shards {
            close_days(self.books.shard_mut(*shard), &self.moment);
        }
        let results = self.decide(commands, &claims);
        let changes: Vec<Changes> =
            shards.iter().filter_map(|shard| self.books.shard_mut(*shard).take_changes()).collect();
        let witness = changes.first().and_then(|changes| changes.entries.first());
        let witness = witness.map(|entry| (entry.shard, entry.sequence, entry.leaf()));
        let decided = phase("decide", claimed);
        if !changes.is_empty() {
            self.session.persist(&changes).await?;
        }
        phase("persist", decided);
        Ok(Prepared { results, witness })
    }

    /// Locks the shards and drops from memory what another node has changed since.
    async fn lock(&mut self, commands: &[&Command]) -> Result<Vec<Shard>, StoreError> {
        let homes = commands.iter().map(|command| command.request.home(self.shard_count));
        let others = commands.iter().flat_map(|command| command.request.other_shards(self.shard_count));
        let mut shards: Vec<Shard> = homes.chain(others).collect();
        shards.sort_unstable();
        shards.dedup();
        let heads = self.session.lock(&shards).await?;
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
        Ok(shards)
    }

    async fn load(&mut self, commands: &[&Command], shards: &[Shard]) -> Result<(), StoreError> {
        let mut wants = Wants {
            system_accounts: shards.iter().copied().filter(|s| !self.books.shard(*s).knows_system_accounts()).collect(),
            ..Wants::default()
        };
        let mut resellers = HashSet::new();
        let mut operations = HashSet::new();
        let mut recent = HashSet::new();
        let mut records = HashSet::new();
        for shard in shards {
            let books = self.books.shard(*shard);
            let closings = closing::days_over(books, &self.moment).into_iter().map(closing::key).map(RecordWant::One);
            records.extend(closings.filter(|want| !books.records().knows(want)).map(|want| (*shard, want)));
        }
        for command in commands {
            if let Some(reseller) = command.request.reseller() {
                self.want_reseller(&mut resellers, reseller);
            }
            let wanted = command.request.records(self.shard_count).into_iter();
            records.extend(wanted.filter(|(shard, want)| !self.books.shard(*shard).records().knows(want)));
            match &command.request {
                Request::Resolve(resolve) => self.want_operation(&mut operations, resolve.operation),
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
        wants.records = records.into_iter().collect();
        self.fetch(wants).await
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
            let mut resellers = HashSet::new();
            for (operation, hold) in loaded.operations {
                if hold.is_some() {
                    self.want_reseller(&mut resellers, operation.reseller);
                }
                self.books.shard_mut(operation.id.shard()).admit_operation(operation, hold);
            }
            wants = Wants { resellers: resellers.into_iter().collect(), ..Wants::default() };
        }
        Ok(())
    }

    /// Claims every key once and loads the operations of those that were taken before.
    async fn claim(&mut self, commands: &[&Command]) -> Result<Claims, StoreError> {
        let mut claims = Vec::new();
        let mut holders: HashMap<(Shard, [u8; 16]), OperationId> = HashMap::new();
        let mut opened = HashSet::new();
        let keys: Vec<_> = commands
            .iter()
            .map(|command| {
                if let Request::OpenReseller(open) = &command.request {
                    opened.insert(open.registration.id);
                }
                let (key, operation) = command.request.key()?;
                // One that is opened earlier in the batch will exist when this command is decided.
                let opened = command.request.reseller().is_some_and(|reseller| opened.contains(&reseller));
                if !opened && !knows_reseller(self.books, self.shard_count, &command.request) {
                    return None;
                }
                let shard = command.request.home(self.shard_count);
                let key = claim_key(key.partner, key.reseller, &key.external_id);
                holders.entry((shard, key)).or_insert_with(|| {
                    claims.push(Claim { shard, key, operation });
                    operation
                });
                Some((shard, key))
            })
            .collect();
        if !claims.is_empty() {
            let mut wanted = HashSet::new();
            for taken in self.session.claim(&claims).await? {
                holders.insert((taken.shard, taken.key), taken.operation);
                self.want_operation(&mut wanted, taken.operation);
            }
            self.fetch(Wants { operations: wanted.into_iter().collect(), ..Wants::default() }).await?;
        }
        Ok(keys.into_iter().map(|key| key.and_then(|key| holders.get(&key).copied())).collect())
    }

    fn decide(&mut self, commands: &[&Command], claims: &Claims) -> Results {
        commands
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
            .collect()
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
