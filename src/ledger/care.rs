//! What customer care does stands on the log: who looked for whom, and what became of a subscriber's case. Posts nothing.

use std::sync::Arc;

use super::books::{ShardBooks, Step, Subject};
use super::cases::{self, ChangeCase, OpenCase};
use super::command::{Command, Outcome, Refusal};
use super::rules::Moment;
use super::shards::Books;
use crate::domain::records::CareSearch;
use crate::domain::{
    ClientId, EntryKind, Record, RecordKey, RecordKind, RecordWant, Shard, SubscriberQuery, Timestamp,
};

/// What customer care does.
#[derive(Clone, Debug)]
pub enum CareCommand {
    /// Somebody is about to be shown recharges of a subscriber.
    Look(CareLook),
    Open(OpenCase),
    Change(ChangeCase),
}

/// Who looks for whom, and how many recharges they are shown.
#[derive(Clone, Copy, Debug)]
pub struct CareLook {
    pub client: ClientId,
    pub subscriber: SubscriberQuery,
    pub from: Timestamp,
    pub to: Timestamp,
    pub found: u32,
}

impl CareLook {
    fn key(&self) -> RecordKey {
        let id = self.client.to_string().parse().expect("an id is short and plain");
        RecordKey::of_operator(RecordKind::CareSearch, id)
    }
}

impl CareCommand {
    /// The record that it reads.
    #[must_use]
    pub fn wants(&self) -> (Shard, RecordWant) {
        let key = match self {
            Self::Look(look) => look.key(),
            Self::Open(open) => open.id.key(),
            Self::Change(change) => change.id.key(),
        };
        (Shard::OPERATOR, RecordWant::One(key))
    }
}

/// Decides and records it, in the operator's shard.
///
/// # Errors
/// [`Refusal`]: nothing was recorded.
pub fn decide(
    books: &mut Books,
    request: &CareCommand,
    command: &Command,
    moment: &Moment<'_>,
) -> Result<Outcome, Refusal> {
    let shard = books.shard_mut(Shard::OPERATOR);
    let (kind, record) = match request {
        CareCommand::Look(asked) => (EntryKind::CareSearched, look(shard, asked, moment)),
        CareCommand::Open(open) => match cases::open(shard, open, moment) {
            Some(opened) => opened,
            None => {
                let known = shard.record_of(&open.id.key()).ok_or(Refusal::UnknownOperation)?;
                return Ok(Outcome::Put(known.clone()));
            }
        },
        CareCommand::Change(change) => cases::change(shard, change, moment)?,
    };
    let record = Arc::new(record);
    shard.record(Step::about(kind, Subject::Record(record.clone())), &command.actor, moment.now);
    Ok(Outcome::Put(record))
}

/// A version of its own for each look: also for one that finds what the one before found.
fn look(books: &ShardBooks, asked: &CareLook, moment: &Moment<'_>) -> Record {
    let key = asked.key();
    let version = books.record_of(&key).map_or(0, |record| record.version());
    let body = CareSearch {
        msisdn: asked.subscriber.to_string().into(),
        whole: asked.subscriber.is_whole(),
        from_ms: asked.from.unix_ms(),
        to_ms: asked.to.unix_ms(),
        found: asked.found,
        at_ms: books.recorded_at(moment.now).unix_ms(),
    };
    Record::new(key, version + 1, body.into())
}
