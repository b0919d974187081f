//! Cases of subscribers who complain: opened, taken, called back, closed, opened again.

use std::collections::HashMap;
use std::sync::Arc;

use super::Care;
use crate::domain::care_case::{CaseId, Complaint};
use crate::domain::encoding::Hash;
use crate::domain::records::{CareCase, CaseChange};
use crate::domain::{
    CaseNumbers, CaseStatus, ClientId, ExternalId, Msisdn, Operation, OperationId, OperationKind, Record, RecordId,
    ResellerId, Shard, Timestamp,
};
use crate::ledger::care::CareCommand;
use crate::ledger::cases::{ChangeCase, OpenCase};
use crate::ledger::{Command, Outcome, Request};
use crate::ports::CaseQuery;
use crate::services::caller::{Caller, Scope, ServiceError};
use crate::services::network::Expected;

/// What a complaint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseAbout {
    Recharge(OperationId),
    /// No recharge is known: a number, when it was bought by what the subscriber says, and where, if that is known.
    Sale {
        subscriber: Msisdn,
        at: Timestamp,
        reseller: Option<ResellerId>,
    },
}

/// A complaint.
#[derive(Clone, Debug)]
pub struct NewCase {
    pub external_id: ExternalId,
    pub about: CaseAbout,
    pub complaint: Complaint,
    pub call_back: Msisdn,
    pub note: Option<Box<str>>,
}

/// Which cases are asked for.
#[derive(Clone, Debug, Default)]
pub struct CaseFilter {
    pub status: Option<CaseStatus>,
    pub owner: Option<ClientId>,
    /// Only those that nobody called back in time.
    pub overdue: bool,
    pub after: Option<(Timestamp, RecordId)>,
    pub limit: u32,
}

/// A case as its reader may see it.
#[derive(Clone, Debug)]
pub struct CaseView {
    pub id: CaseId,
    pub version: i64,
    pub case: CareCase,
    pub overdue: bool,
    /// Whose complaint it is, in full or masked.
    pub subscriber: Option<String>,
    pub call_back: Option<String>,
}

impl CaseView {
    /// Where a list goes on behind it.
    #[must_use]
    pub fn place(&self) -> (Timestamp, String) {
        (Timestamp::from_unix_ms(self.case.opened_at_ms), self.id.to_string())
    }
}

impl Care {
    /// Opens a case; the same request again tells how that stands, and that it was there.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when recharge or reseller are unknown or outside the caller's subtrees;
    /// [`ServiceError::ExternalIdReused`].
    pub async fn open_case(&self, caller: &Caller, new: NewCase) -> Result<(CaseView, bool), ServiceError> {
        let id = CaseId::of(caller.partner, &new.external_id);
        let (recharge, reseller) = self.authorised(caller, new.about).await?;
        if let Some(known) = self.reads.record(Shard::OPERATOR, &id.key()).await? {
            return self.again(caller, id, &known, &new).await;
        }
        let mut salt = [0; 16];
        self.randomness.fill(&mut salt);
        let subscriber = match new.about {
            CaseAbout::Recharge(_) => None,
            CaseAbout::Sale { subscriber, .. } => Some(subscriber),
        };
        let numbers = CaseNumbers { salt, subscriber, call_back: new.call_back };
        let case = CareCase {
            external_id: new.external_id.as_str().into(),
            partner: caller.partner.uuid().to_string().into(),
            opened_by: caller.client.to_string().into(),
            complaint: new.complaint.name().into(),
            recharge: recharge.map(|recharge| recharge.uuid().to_string().into()),
            reseller: reseller.map(|reseller| reseller.uuid().simple().to_string().into()),
            sold_at_ms: sold_at(new.about),
            note: new.note.clone(),
            numbers: hex::encode(numbers.digest()).into(),
            opened_at_ms: 0,
            status: CaseStatus::Open.name().into(),
            owner: None,
            call_back_by_ms: 0,
            called_back_at_ms: None,
            outcome: None,
            remarks: Vec::new(),
        };
        // Before the record that names them: a case without its numbers could not be called back.
        self.cases.keep_numbers(&numbers).await?;
        let mine = case.numbers.clone();
        let call_back_within_ms = self.call_back_within_ms;
        let open = OpenCase { id, case: Box::new(case), call_back_within_ms };
        let record = self.decide(caller, CareCommand::Open(open), new.note.as_deref()).await?;
        // Another request under the same key may have come first.
        match record.body::<CareCase>() {
            Some(case) if case.numbers == mine => Ok((self.view(caller, &record).await?, false)),
            _ => self.again(caller, id, &record, &new).await,
        }
    }

    /// The recharge and the reseller of a complaint, which the caller must see.
    async fn authorised(
        &self,
        caller: &Caller,
        about: CaseAbout,
    ) -> Result<(Option<OperationId>, Option<ResellerId>), ServiceError> {
        match about {
            CaseAbout::Recharge(id) => {
                let recharge = self.recharges.get(caller, id).await?;
                Ok((Some(id), Some(recharge.reseller)))
            }
            CaseAbout::Sale { reseller, .. } => {
                if let Some(reseller) = reseller {
                    self.directory.authorise(caller, reseller).await?;
                }
                Ok((None, reseller))
            }
        }
    }

    /// What a request tells whose key opened a case before.
    async fn again(
        &self,
        caller: &Caller,
        id: CaseId,
        known: &Record,
        new: &NewCase,
    ) -> Result<(CaseView, bool), ServiceError> {
        let case = known.body::<CareCase>().ok_or(ServiceError::Internal)?;
        let numbers = self.numbers_of(case).await?;
        let recharge = match new.about {
            CaseAbout::Recharge(recharge) => Some(recharge.uuid().to_string()),
            CaseAbout::Sale { .. } => None,
        };
        let (subscriber, reseller) = match new.about {
            CaseAbout::Recharge(_) => (None, case.reseller.as_deref().map(str::to_owned)),
            CaseAbout::Sale { subscriber, reseller, .. } => {
                (Some(subscriber), reseller.map(|reseller| reseller.uuid().simple().to_string()))
            }
        };
        let same = [
            ("recharge_id", case.recharge.as_deref() == recharge.as_deref()),
            ("complaint", *case.complaint == *new.complaint.name()),
            ("note", case.note == new.note),
            ("sold_at", case.sold_at_ms == sold_at(new.about)),
            ("reseller_id", case.reseller.as_deref() == reseller.as_deref()),
            ("msisdn", numbers.is_some_and(|numbers| numbers.subscriber == subscriber)),
            ("call_back", numbers.is_some_and(|numbers| numbers.call_back == new.call_back)),
        ];
        if let Some((field, _)) = same.into_iter().find(|(_, same)| !same) {
            return Err(ServiceError::ExternalIdReused { field });
        }
        Ok((self.case(caller, id).await?, true))
    }

    /// # Errors
    /// [`ServiceError::NotFound`] when it is unknown, about a reseller outside the caller's subtrees, or about none and
    /// another partner's.
    pub async fn case(&self, caller: &Caller, id: CaseId) -> Result<CaseView, ServiceError> {
        let record = self.reads.record(Shard::OPERATOR, &id.key()).await?.ok_or(ServiceError::NotFound)?;
        let case = record.body::<CareCase>().ok_or(ServiceError::Internal)?;
        match reseller_of(case) {
            Some(reseller) => self.directory.authorise(caller, reseller).await?,
            None if *case.partner == *caller.partner.uuid().to_string() => {}
            None => return Err(ServiceError::NotFound),
        }
        self.view(caller, &record).await
    }

    /// A page of cases, newest first, and whether more follow.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn cases(&self, caller: &Caller, filter: CaseFilter) -> Result<(Vec<CaseView>, bool), ServiceError> {
        let CaseFilter { status, owner, overdue, after, limit } = filter;
        let query = CaseQuery {
            roots: caller.roots.to_vec(),
            partner: caller.partner,
            status,
            owner,
            overdue_at: overdue.then(|| self.clock.now()),
            after,
            limit: limit + 1,
        };
        let mut found = self.cases.cases(&query).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let bodies: Vec<_> = found.iter().filter_map(|record| record.body::<CareCase>()).collect();
        let numbers: HashMap<_, _> = self.numbers(&bodies).await?.into_iter().collect();
        let mut views = Vec::with_capacity(found.len());
        for record in &found {
            let kept = |case: &CareCase| numbers.get(&case.digest()?).copied();
            views.push(self.view_with(caller, record, kept).await?);
        }
        Ok((views, more))
    }

    /// Does something to a case at the version that the caller has seen.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]; [`ServiceError::StaleVersion`]; [`ServiceError::Case`].
    pub async fn change_case(
        &self,
        caller: &Caller,
        id: CaseId,
        expected: &Expected,
        change: CaseChange,
    ) -> Result<CaseView, ServiceError> {
        let before = self.case(caller, id).await?;
        expected.check(before.version)?;
        let note = change.note.clone();
        let change = ChangeCase {
            id,
            expected: before.version,
            by: caller.client,
            change,
            call_back_within_ms: self.call_back_within_ms,
        };
        let record = self.decide(caller, CareCommand::Change(change), note.as_deref()).await?;
        self.view(caller, &record).await
    }

    async fn decide(
        &self,
        caller: &Caller,
        command: CareCommand,
        why: Option<&str>,
    ) -> Result<Arc<Record>, ServiceError> {
        let actor = why.map_or_else(|| caller.actor(), |why| caller.actor().because(why));
        match self.ledger.execute(Command { actor, request: Request::Care(command) }).await? {
            Outcome::Put(record) => Ok(record),
            _ => Err(ServiceError::Internal),
        }
    }

    /// The numbers of cases, by their digests.
    async fn numbers(&self, cases: &[&CareCase]) -> Result<Vec<(Hash, CaseNumbers)>, ServiceError> {
        let digests: Option<Vec<Hash>> = cases.iter().map(|case| case.digest()).collect();
        Ok(self.journal.case_numbers(&digests.ok_or(ServiceError::Internal)?).await?)
    }

    async fn numbers_of(&self, case: &CareCase) -> Result<Option<CaseNumbers>, ServiceError> {
        Ok(self.numbers(&[case]).await?.first().map(|(_, numbers)| *numbers))
    }

    async fn view(&self, caller: &Caller, record: &Record) -> Result<CaseView, ServiceError> {
        let numbers = self.numbers_of(record.body::<CareCase>().ok_or(ServiceError::Internal)?).await?;
        self.view_with(caller, record, |_| numbers).await
    }

    /// The subscriber's number is shown in full to who may see the recharge, the number to call back to who calls back.
    async fn view_with(
        &self,
        caller: &Caller,
        record: &Record,
        numbers: impl Fn(&CareCase) -> Option<CaseNumbers>,
    ) -> Result<CaseView, ServiceError> {
        let case = record.body::<CareCase>().ok_or(ServiceError::Internal)?.clone();
        let numbers = numbers(&case);
        let recharge = match recharge_of(&case) {
            Some(id) => self.reads.operation(id).await?,
            None => None,
        };
        let sold_to = recharge.as_ref().and_then(Operation::recharge).map(|recharge| recharge.msisdn);
        let subscriber = sold_to.or(numbers.and_then(|numbers| numbers.subscriber));
        let shown = |number: Msisdn, whole: bool| if whole { number.e164() } else { number.to_string() };
        Ok(CaseView {
            id: CaseId::parse(record.key().id().as_str()).ok_or(ServiceError::Internal)?,
            version: record.version(),
            overdue: case.is_overdue(self.clock.now().unix_ms()),
            subscriber: subscriber.map(|number| shown(number, caller.may(Scope::RechargesRead))),
            call_back: numbers.map(|numbers| shown(numbers.call_back, caller.may(Scope::CareWrite))),
            case,
        })
    }
}

fn sold_at(about: CaseAbout) -> Option<i64> {
    if let CaseAbout::Sale { at, .. } = about { Some(at.unix_ms()) } else { None }
}

/// The recharge of a case.
#[must_use]
pub fn recharge_of(case: &CareCase) -> Option<OperationId> {
    let id = uuid::Uuid::try_parse(case.recharge.as_deref()?).ok()?;
    Some(OperationId::from_uuid(id))
}

/// The recharge of a case as it is shown.
#[must_use]
pub fn recharge_id(case: &CareCase) -> Option<String> {
    recharge_of(case).map(|id| OperationKind::Recharge.render(id))
}

/// The reseller of a case.
#[must_use]
pub fn reseller_of(case: &CareCase) -> Option<ResellerId> {
    let id = uuid::Uuid::try_parse(case.reseller.as_deref()?).ok()?;
    Some(ResellerId::from_uuid(id))
}
