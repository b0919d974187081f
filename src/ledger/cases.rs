//! The cases of subscribers who complain (`crate::domain::care_case`): opened once, then changed at the version that
//! whoever changes them has seen. Posts nothing.

use super::books::ShardBooks;
use super::command::Refusal;
use super::rules::Moment;
use crate::domain::care_case::{CaseAction, CaseId};
use crate::domain::records::{CareCase, CaseChange};
use crate::domain::{ClientId, EntryKind, Record};

/// Opens a case.
#[derive(Clone, Debug)]
pub struct OpenCase {
    pub id: CaseId,
    /// As it begins; its times are those of the ledger.
    pub case: Box<CareCase>,
    pub call_back_within_ms: i64,
}

/// Changes a case.
#[derive(Clone, Debug)]
pub struct ChangeCase {
    pub id: CaseId,
    /// The version it replaces.
    pub expected: i64,
    pub by: ClientId,
    pub change: CaseChange,
    pub call_back_within_ms: i64,
}

/// The record of the case that is opened; `None` when its key opened one before.
#[must_use]
pub fn open(books: &ShardBooks, command: &OpenCase, moment: &Moment<'_>) -> Option<(EntryKind, Record)> {
    let key = command.id.key();
    if books.record_of(&key).is_some() {
        return None;
    }
    let at = books.recorded_at(moment.now);
    let case = CareCase {
        opened_at_ms: at.unix_ms(),
        call_back_by_ms: at.plus_ms(command.call_back_within_ms).unix_ms(),
        ..CareCase::clone(&command.case)
    };
    Some((EntryKind::CaseOpened, Record::new(key, 1, case.into())))
}

/// The record of the case in its next version, and the kind of its entry.
///
/// # Errors
/// [`Refusal::UnknownOperation`]; [`Refusal::StaleVersion`]; [`Refusal::Case`].
pub fn change(books: &ShardBooks, command: &ChangeCase, moment: &Moment<'_>) -> Result<(EntryKind, Record), Refusal> {
    let current = books.record_of(&command.id.key()).ok_or(Refusal::UnknownOperation)?;
    if current.version() != command.expected {
        return Err(Refusal::StaleVersion { current: current.version() });
    }
    let case = current.body::<CareCase>().ok_or(Refusal::UnknownOperation)?;
    let (by, at) = (command.by.to_string(), books.recorded_at(moment.now));
    let case = case.after(&command.change, (&by, at.unix_ms()), command.call_back_within_ms)?;
    let kind = match command.change.action {
        CaseAction::Take => EntryKind::CaseTaken,
        CaseAction::Release => EntryKind::CaseReleased,
        CaseAction::CallBack => EntryKind::CaseCalledBack,
        CaseAction::Note => EntryKind::CaseNoted,
        CaseAction::Close => EntryKind::CaseClosed,
        CaseAction::Reopen => EntryKind::CaseReopened,
    };
    Ok((kind, Record::new(current.key().clone(), current.version() + 1, case.into())))
}
