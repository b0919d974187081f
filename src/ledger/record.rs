//! Records change here and nowhere else (`crate::domain::record`). Posts nothing.
//!
//! A kind with a copy in every shard is decided in the operator's shard and written in all of them by one
//! transaction.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::books::{ShardBooks, Step, Subject};
use super::command::{PutRecord, Refusal};
use super::limits::{self, LimitRefusal};
use crate::domain::records::WebhookEndpoint;
use crate::domain::{
    Content, EntryKind, Place, Record, RecordBody, RecordId, RecordKey, RecordKind, RecordWant, ResellerId, Timestamp,
};

impl ShardBooks {
    /// The body of the record of a kind with this owner ([`ResellerId::OPERATOR`] where the kind has none) and id.
    #[must_use]
    pub fn body<T: RecordBody>(&self, owner: ResellerId, id: &str) -> Option<&T> {
        self.records().get(T::KIND, owner, id)?.body()
    }
}

/// The record as the command wants it; `None` when it stands like that already: nothing is written then.
///
/// # Errors
/// [`Refusal::UnknownReseller`] when its owner does not exist; [`Refusal::StaleVersion`] when it is not at the version
/// that the command replaces; [`LimitRefusal::Raise`]: limits are not raised this way, at no time.
pub fn put(books: &ShardBooks, command: &PutRecord, now: Timestamp) -> Result<Option<Record>, Refusal> {
    let key = &command.key;
    if key.kind().place() == Place::Owner && books.reseller(key.owner()).is_none() {
        return Err(Refusal::UnknownReseller);
    }
    let current = books.record_of(key);
    let version = current.map_or(0, |record| record.version());
    // A closed day stays as it was closed; an alert says what was found.
    let is_own = key.kind().place() == Place::OwnShard || key.kind() == RecordKind::StockAlert;
    if is_own || command.expected.is_some_and(|expected| expected != version) {
        return Err(Refusal::StaleVersion { current: version });
    }
    if current.is_some_and(|record| *record.content() == command.content) {
        return Ok(None);
    }
    if let Content::LimitSet(set) = &command.content
        && limits::would_raise(books, key.owner(), set, books.recorded_at(now))?
    {
        return Err(LimitRefusal::Raise.into());
    }
    Ok(Some(Record::new(key.clone(), version + 1, command.content.clone())))
}

/// What the journal calls a record that is put: that we gave up an endpoint of a partner is told to the partner.
#[must_use]
pub fn kind_of(before: Option<&Record>, record: &Record) -> EntryKind {
    let given_up = |record: &Record| record.body::<WebhookEndpoint>().is_some_and(|body| body.state.is_ours());
    if given_up(record) && !before.is_some_and(given_up) { EntryKind::WebhookDisabled } else { EntryKind::RecordPut }
}

/// The step that writes a record: [`EntryKind::RecordPut`] in its home, [`EntryKind::RecordCopied`] elsewhere.
#[must_use]
pub fn step(kind: EntryKind, record: &Arc<Record>) -> Step {
    Step::about(kind, Subject::Record(record.clone()))
}

/// `None` is known not to exist.
type ById = BTreeMap<RecordId, Option<Arc<Record>>>;

/// The records of a shard in memory: also which ones are known not to exist.
#[derive(Clone, Debug, Default)]
pub struct Records {
    by_owner: BTreeMap<(RecordKind, ResellerId), ById>,
    /// What was loaded as a whole: whatever of it is not in memory does not exist.
    whole: HashSet<RecordWant>,
}

impl Records {
    #[must_use]
    pub fn get(&self, kind: RecordKind, owner: ResellerId, id: &str) -> Option<&Arc<Record>> {
        self.by_owner.get(&(kind, owner))?.get(id)?.as_ref()
    }

    /// All of a kind, by owner and id.
    pub fn of_kind<T: RecordBody + 'static>(&self) -> impl Iterator<Item = (&RecordKey, &T)> {
        let first = (T::KIND, ResellerId::from_uuid(uuid::Uuid::nil()));
        let last = (T::KIND, ResellerId::from_uuid(uuid::Uuid::max()));
        bodies(self.by_owner.range(first..=last).flat_map(|(_, records)| records.values()))
    }

    /// All of a kind that one reseller owns, by id.
    pub fn owned<T: RecordBody + 'static>(&self, owner: ResellerId) -> impl Iterator<Item = (&RecordKey, &T)> {
        bodies(self.by_owner.get(&(T::KIND, owner)).into_iter().flat_map(BTreeMap::values))
    }

    /// Whether a decision that reads `want` would see what the store holds.
    #[must_use]
    pub fn knows(&self, want: &RecordWant) -> bool {
        let (kind, owner) = match want {
            RecordWant::One(key) => {
                let found = self.by_owner.get(&(key.kind(), key.owner()));
                if found.is_some_and(|records| records.contains_key(key.id())) {
                    return true;
                }
                (key.kind(), Some(key.owner()))
            }
            RecordWant::Owned(kind, owner) => (*kind, Some(*owner)),
            RecordWant::Kind(kind) => (*kind, None),
        };
        self.whole.contains(&RecordWant::Kind(kind))
            || owner.is_some_and(|owner| self.whole.contains(&RecordWant::Owned(kind, owner)))
    }

    pub fn admit(&mut self, record: Arc<Record>) {
        let key = record.key();
        let (owner, id) = ((key.kind(), key.owner()), key.id().clone());
        self.by_owner.entry(owner).or_default().insert(id, Some(record));
    }

    /// The store was asked for `want`, and all that it has of it is admitted.
    pub fn complete(&mut self, want: RecordWant) {
        match want {
            RecordWant::One(key) => {
                let records = self.by_owner.entry((key.kind(), key.owner())).or_default();
                records.entry(key.id().clone()).or_insert(None);
            }
            RecordWant::Owned(..) | RecordWant::Kind(_) => {
                self.whole.insert(want);
            }
        }
    }

    /// Beyond `limit` keeps only the kinds that were loaded as a whole.
    pub fn forget(&mut self, limit: usize) {
        let count: usize = self.by_owner.values().map(BTreeMap::len).sum();
        if count > limit {
            self.whole.retain(|want| matches!(want, RecordWant::Kind(_)));
            self.by_owner.retain(|(kind, _), _| self.whole.contains(&RecordWant::Kind(*kind)));
        }
    }
}

fn bodies<'a, T: RecordBody + 'a>(
    records: impl Iterator<Item = &'a Option<Arc<Record>>>,
) -> impl Iterator<Item = (&'a RecordKey, &'a T)> {
    records.flatten().filter_map(|record| Some((record.key(), record.body()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::records::PinPolicy;
    use crate::domain::{Content, Shard};
    use crate::ledger::Head;

    fn key() -> RecordKey {
        RecordKey::of_operator(RecordKind::PinPolicy, "default".parse().unwrap())
    }

    fn command(expected: Option<i64>, attempts: u32) -> PutRecord {
        let content = Content::PinPolicy(PinPolicy { attempts, ..PinPolicy::default() });
        PutRecord { key: key(), expected, content }
    }

    #[test]
    fn a_record_is_put_at_the_version_it_replaces() {
        let mut books = ShardBooks::new(Head::installed(Shard::OPERATOR));
        assert_eq!(put(&books, &command(Some(1), 3), Timestamp::EPOCH), Err(Refusal::StaleVersion { current: 0 }));
        let first = put(&books, &command(Some(0), 3), Timestamp::EPOCH).unwrap().unwrap();
        assert_eq!(first.version(), 1);
        books.admit_record(first.into());
        assert_eq!(put(&books, &command(Some(0), 4), Timestamp::EPOCH), Err(Refusal::StaleVersion { current: 1 }));
        assert_eq!(put(&books, &command(Some(1), 3), Timestamp::EPOCH), Ok(None), "it stands like that already");
        assert_eq!(put(&books, &command(None, 3), Timestamp::EPOCH), Ok(None));
        assert_eq!(put(&books, &command(None, 4), Timestamp::EPOCH).unwrap().unwrap().version(), 2);
    }

    #[test]
    fn what_was_not_found_is_remembered_as_well() {
        let mut records = Records::default();
        let (one, kind) = (RecordWant::One(key()), RecordWant::Kind(RecordKind::PinPolicy));
        assert!(!records.knows(&one) && !records.knows(&kind));
        records.complete(one.clone());
        assert!(records.knows(&one) && !records.knows(&kind));
        assert_eq!(records.get(RecordKind::PinPolicy, ResellerId::OPERATOR, "default"), None);
        records.complete(kind.clone());
        assert!(records.knows(&kind));
        let found = Record::new(key(), 1, PinPolicy::default().into());
        records.admit(found.into());
        assert_eq!(records.of_kind::<PinPolicy>().count(), 1);
        records.forget(0);
        assert!(records.knows(&one), "kinds that are kept whole stay");
        let owner = ResellerId::from_uuid(uuid::Uuid::from_u128(1));
        let users = RecordWant::Owned(RecordKind::User, owner);
        records.complete(users.clone());
        assert!(records.knows(&RecordWant::One(RecordKey::of_reseller(RecordKind::User, owner, "u".parse().unwrap()))));
        records.forget(0);
        assert!(!records.knows(&users));
    }
}
