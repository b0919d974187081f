//! The case of a subscriber who complains, in one of its versions.

use serde::{Deserialize, Serialize};

use crate::domain::care_case::{CallResult, CaseAction, CaseOutcome, CaseStatus};
use crate::domain::encoding::Hash;

/// Remarks that a case has at most.
const MAX_REMARKS: usize = 200;

/// Something that was done to a case and what was said with it. Times are milliseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remark {
    pub at_ms: i64,
    /// The API client.
    pub by: Box<str>,
    pub action: Box<str>,
    /// Of a call back.
    pub result: Option<Box<str>>,
    /// Of a case that is closed.
    pub outcome: Option<Box<str>>,
    pub note: Option<Box<str>>,
}

/// One per case; the record's id is the case's. Subscribers' numbers are not in it: [`crate::domain::CaseNumbers`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CareCase {
    pub external_id: Box<str>,
    pub partner: Box<str>,
    /// The API client that opened it.
    pub opened_by: Box<str>,
    pub complaint: Box<str>,
    /// The recharge, without its prefix.
    pub recharge: Option<Box<str>>,
    /// Whose recharge that is, or at whom it was bought. Statements look for it.
    pub reseller: Option<Box<str>>,
    /// When it was sold by what the subscriber says, where no recharge is named.
    pub sold_at_ms: Option<i64>,
    pub note: Option<Box<str>>,
    /// Hexadecimal digits of the digest of its numbers.
    pub numbers: Box<str>,
    /// Statements look for it.
    pub opened_at_ms: i64,
    /// Statements look for it.
    pub status: Box<str>,
    /// The API client that looks after it. Statements look for it.
    pub owner: Option<Box<str>>,
    /// By when somebody calls back. Statements look for it.
    pub call_back_by_ms: i64,
    /// When somebody first did, since it was opened or opened again. Statements look for it.
    pub called_back_at_ms: Option<i64>,
    pub outcome: Option<Box<str>>,
    pub remarks: Vec<Remark>,
}

/// What is done to a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseChange {
    pub action: CaseAction,
    /// Of [`CaseAction::CallBack`], and of nothing else.
    pub result: Option<CallResult>,
    /// Of [`CaseAction::Close`], and of nothing else.
    pub outcome: Option<CaseOutcome>,
    pub note: Option<Box<str>>,
}

/// Why nothing is done to a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaseRefusal {
    #[error("that is not done to a case that is {}", .0.name())]
    Status(CaseStatus),
    #[error("only who looks after the case does that")]
    NotOwner,
    /// `no_answer` without a call back that found nobody.
    #[error("nobody tried to call back")]
    NotCalled,
    #[error("the case has as many remarks as it may have")]
    Full,
}

impl CareCase {
    /// The digest of its numbers; `None` when the stored text is none.
    #[must_use]
    pub fn digest(&self) -> Option<Hash> {
        hex::decode(&*self.numbers).ok()?.try_into().ok()
    }

    #[must_use]
    pub fn status(&self) -> CaseStatus {
        CaseStatus::from_name(&self.status).unwrap_or(CaseStatus::Open)
    }

    /// Whether the time to call back is over and nobody did.
    #[must_use]
    pub fn is_overdue(&self, now_ms: i64) -> bool {
        self.status() != CaseStatus::Closed && self.called_back_at_ms.is_none() && self.call_back_by_ms < now_ms
    }

    /// The case after a change by an API client; reopened, it is called back within `call_back_within_ms`.
    ///
    /// # Errors
    /// [`CaseRefusal`].
    pub fn after(
        &self,
        change: &CaseChange,
        (by, at_ms): (&str, i64),
        call_back_within_ms: i64,
    ) -> Result<Self, CaseRefusal> {
        let status = self.status().after(change.action).ok_or(CaseRefusal::Status(self.status()))?;
        if change.action.is_owners() && self.owner.as_deref() != Some(by) {
            return Err(CaseRefusal::NotOwner);
        }
        if self.remarks.len() >= MAX_REMARKS {
            return Err(CaseRefusal::Full);
        }
        let missed = Some(CallResult::NotReached.name());
        let called_in_vain = self.remarks.iter().any(|remark| remark.result.as_deref() == missed);
        if change.outcome == Some(CaseOutcome::NoAnswer) && !called_in_vain {
            return Err(CaseRefusal::NotCalled);
        }
        let mut case = Self { status: status.name().into(), ..self.clone() };
        match change.action {
            CaseAction::Take => case.owner = Some(by.into()),
            CaseAction::Release => case.owner = None,
            CaseAction::CallBack => case.called_back_at_ms = case.called_back_at_ms.or(Some(at_ms)),
            CaseAction::Note => {}
            CaseAction::Close => case.outcome = change.outcome.map(|outcome| outcome.name().into()),
            CaseAction::Reopen => {
                (case.owner, case.outcome, case.called_back_at_ms) = (None, None, None);
                case.call_back_by_ms = at_ms.saturating_add(call_back_within_ms);
            }
        }
        case.remarks.push(Remark {
            at_ms,
            by: by.into(),
            action: change.action.name().into(),
            result: change.result.map(|result| result.name().into()),
            outcome: change.outcome.map(|outcome| outcome.name().into()),
            note: change.note.clone(),
        });
        Ok(case)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened() -> CareCase {
        CareCase {
            external_id: "call-1".into(),
            partner: "p".into(),
            opened_by: "cli_a".into(),
            complaint: "not_received".into(),
            recharge: None,
            reseller: None,
            sold_at_ms: Some(0),
            note: None,
            numbers: hex::encode([0xab; 32]).into(),
            opened_at_ms: 0,
            status: CaseStatus::Open.name().into(),
            owner: None,
            call_back_by_ms: 100,
            called_back_at_ms: None,
            outcome: None,
            remarks: Vec::new(),
        }
    }

    fn plain(action: CaseAction) -> CaseChange {
        CaseChange { action, result: None, outcome: None, note: None }
    }

    fn close(outcome: CaseOutcome) -> CaseChange {
        CaseChange { outcome: Some(outcome), ..plain(CaseAction::Close) }
    }

    fn call(result: CallResult) -> CaseChange {
        CaseChange { result: Some(result), ..plain(CaseAction::CallBack) }
    }

    #[test]
    fn a_case_is_taken_called_back_closed_and_opened_again() {
        let case = opened();
        assert_eq!(case.digest(), Some([0xab; 32]));
        assert!(!case.is_overdue(100) && case.is_overdue(101));
        assert_eq!(case.after(&call(CallResult::Reached), ("a", 1), 9), Err(CaseRefusal::Status(CaseStatus::Open)));
        let taken = case.after(&plain(CaseAction::Take), ("a", 1), 9).unwrap();
        assert_eq!(taken.after(&close(CaseOutcome::Explained), ("b", 2), 9), Err(CaseRefusal::NotOwner));
        assert_eq!(taken.after(&close(CaseOutcome::NoAnswer), ("a", 2), 9), Err(CaseRefusal::NotCalled));
        let called = taken.after(&call(CallResult::NotReached), ("a", 3), 9).unwrap();
        assert!(!called.is_overdue(1_000), "somebody called");
        let again = called.after(&call(CallResult::Reached), ("a", 4), 9).unwrap();
        assert_eq!(again.called_back_at_ms, Some(3), "the first call counts");
        let closed = again.after(&close(CaseOutcome::NoAnswer), ("a", 5), 9).unwrap();
        assert_eq!((closed.status(), closed.outcome.as_deref()), (CaseStatus::Closed, Some("no_answer")));
        let open = closed.after(&plain(CaseAction::Reopen), ("b", 6), 9).unwrap();
        assert_eq!((open.status(), open.call_back_by_ms, open.called_back_at_ms), (CaseStatus::Open, 15, None));
        assert_eq!((open.owner, open.outcome, open.remarks.len()), (None, None, 5));
    }

    #[test]
    fn remarks_are_bounded() {
        let mut case = opened();
        for at in 0..200 {
            case = case.after(&plain(CaseAction::Note), ("a", at), 9).unwrap();
        }
        assert_eq!(case.after(&plain(CaseAction::Note), ("a", 200), 9), Err(CaseRefusal::Full));
    }
}
