//! The commercial network: who stands where, and who may trade.

use std::sync::Arc;

use super::caller::{Caller, ServiceError};
use super::directory::Directory;
use crate::domain::ids::uuid_v7;
use crate::domain::{LevelName, Limits, Reason, ResellerCode, ResellerId, ResellerName, Shard, Standing, Timestamp};
use crate::ledger::command::{ChangePlace, OpenReseller, SetStanding};
use crate::ledger::{Command, PlaceRefusal, Refusal, Registration, Request};
use crate::ports::{
    Clock, Ledger, LedgerError, Member, MemberQuery, MemberScope, NetworkReads, Randomness, SubtreeTotal,
};

/// A reseller that is to be opened.
#[derive(Clone, Debug)]
pub struct NewReseller {
    pub code: ResellerCode,
    pub name: ResellerName,
    pub level: LevelName,
    pub parent: ResellerId,
}

/// Another place for a reseller; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct PlaceOrder {
    pub code: Option<ResellerCode>,
    pub name: Option<ResellerName>,
    pub level: Option<LevelName>,
    pub parent: Option<ResellerId>,
}

/// Which version a change is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whichever stands.
    Any,
    /// One of these.
    Versions(Vec<i64>),
}

impl Expected {
    /// # Errors
    /// [`ServiceError::StaleVersion`] when the one that stands is not meant.
    pub fn check(&self, standing: i64) -> Result<(), ServiceError> {
        match self {
            Self::Versions(versions) if !versions.contains(&standing) => Err(ServiceError::StaleVersion),
            Self::Versions(_) | Self::Any => Ok(()),
        }
    }
}

/// Which resellers a list shows.
#[derive(Clone, Debug, Default)]
pub struct MemberFilter {
    pub parent: Option<ResellerId>,
    pub code: Option<ResellerCode>,
    pub level: Option<LevelName>,
    pub standing: Option<Standing>,
    pub after: Option<ResellerId>,
    pub limit: u32,
}

/// A page of resellers, newest first.
#[derive(Clone, Debug)]
pub struct MemberPage {
    pub items: Vec<Member>,
    /// The last one shown, when there are more.
    pub next: Option<ResellerId>,
}

/// What a reseller and all below it have together.
#[derive(Clone, Debug)]
pub struct Totals {
    pub root: ResellerId,
    pub by: Vec<SubtreeTotal>,
    pub as_of: Timestamp,
}

/// The use cases of the network.
pub struct Network {
    pub directory: Arc<Directory>,
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn NetworkReads>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
}

impl Network {
    /// # Errors
    /// [`ServiceError::NotFound`] when unknown or outside the caller's subtrees.
    pub async fn get(&self, caller: &Caller, id: ResellerId) -> Result<Member, ServiceError> {
        self.directory.authorise(caller, id).await?;
        self.reads.member(id).await?.ok_or(ServiceError::NotFound)
    }

    /// # Errors
    /// [`ServiceError::NotFound`] when a named parent is unknown or outside the caller's subtrees.
    pub async fn list(&self, caller: &Caller, filter: MemberFilter) -> Result<MemberPage, ServiceError> {
        if let Some(parent) = filter.parent {
            self.directory.authorise(caller, parent).await?;
        }
        if let Some(code) = &filter.code {
            return self.list_code(caller, &filter, code).await;
        }
        let MemberFilter { level, standing, after, limit, .. } = filter;
        let roots = || MemberScope::Below(caller.roots.to_vec());
        let scope = filter.parent.map_or_else(roots, MemberScope::Children);
        let query = MemberQuery { scope, level, standing, after, limit: limit + 1 };
        let mut items = self.reads.members(&query).await?;
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = if more { items.last().map(|member| member.registration.id) } else { None };
        Ok(MemberPage { items, next })
    }

    /// At most one has a code.
    async fn list_code(
        &self,
        caller: &Caller,
        filter: &MemberFilter,
        code: &ResellerCode,
    ) -> Result<MemberPage, ServiceError> {
        let mut items = self.reads.members_by_code(&[code.as_str().to_owned()]).await?;
        items.retain(|member| {
            filter.parent.is_none_or(|parent| member.registration.parent == Some(parent))
                && filter.level.is_none_or(|level| member.registration.level == level)
                && filter.standing.is_none_or(|standing| member.reseller.standing == standing)
                && filter.after.is_none_or(|after| member.registration.id < after)
        });
        if let Some(member) = items.first() {
            match self.directory.authorise(caller, member.registration.id).await {
                Err(ServiceError::NotFound) => items.clear(),
                other => other?,
            }
        }
        Ok(MemberPage { items, next: None })
    }

    /// Opens a reseller below one of the caller's. The same again is a replay: `true` beside it.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when the parent is unknown or outside the caller's subtrees;
    /// [`ServiceError::CodeTaken`] when the code is another's or came with other content;
    /// [`ServiceError::Place`] when nothing may stand there.
    pub async fn open(&self, caller: &Caller, new: NewReseller) -> Result<(Member, bool), ServiceError> {
        self.directory.authorise(caller, new.parent).await?;
        if let Some(known) = self.known(caller, &new).await? {
            return Ok((known, true));
        }
        let id = self.draw();
        let registration = Registration {
            id,
            code: new.code.as_str().to_owned(),
            name: new.name.as_str().to_owned(),
            level: new.level,
            parent: Some(new.parent),
            created_at: self.clock.now(),
        };
        let open = OpenReseller { registration, limits: Limits::default(), credit_limit_minor: 0 };
        match self.execute(caller, Request::OpenReseller(open)).await {
            // Another request with this code was faster.
            Err(LedgerError::Refused(Refusal::Place(PlaceRefusal::CodeTaken))) => {
                let known = self.known(caller, &new).await?.ok_or(ServiceError::Internal)?;
                Ok((known, true))
            }
            outcome => {
                outcome?;
                Ok((self.must_exist(id).await?, false))
            }
        }
    }

    /// Whoever has the code, if it is what would be opened.
    async fn known(&self, caller: &Caller, new: &NewReseller) -> Result<Option<Member>, ServiceError> {
        let found = self.reads.members_by_code(&[new.code.as_str().to_owned()]).await?.pop();
        let Some(known) = found else { return Ok(None) };
        // What a stranger has is not told.
        match self.directory.authorise(caller, known.registration.id).await {
            Err(ServiceError::NotFound) => return Err(ServiceError::CodeTaken { field: None }),
            other => other?,
        }
        match difference(&known, new) {
            Some(field) => Err(ServiceError::CodeTaken { field: Some(field) }),
            None => Ok(Some(known)),
        }
    }

    /// Gives a reseller another code, name, level or parent.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when it or its new parent is unknown or outside the caller's subtrees;
    /// [`ServiceError::StaleVersion`]; [`ServiceError::CodeTaken`]; [`ServiceError::Place`] when it may not stand there.
    pub async fn change(
        &self,
        caller: &Caller,
        id: ResellerId,
        expected: &Expected,
        order: PlaceOrder,
    ) -> Result<Member, ServiceError> {
        let if_version = self.version(caller, id, expected).await?;
        if let Some(parent) = order.parent {
            self.directory.authorise(caller, parent).await?;
        }
        let PlaceOrder { code, name, level, parent } = order;
        let change = ChangePlace { reseller: id, code, name, level, parent: parent.map(Some), if_version };
        match self.execute(caller, Request::ChangePlace(change)).await {
            Err(LedgerError::Refused(Refusal::Place(PlaceRefusal::CodeTaken))) => {
                Err(ServiceError::CodeTaken { field: Some("code") })
            }
            outcome => {
                outcome?;
                if parent.is_some() {
                    self.directory.forget();
                }
                self.must_exist(id).await
            }
        }
    }

    /// Suspends, resumes or closes; the audit shows why.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]; [`ServiceError::StaleVersion`]; [`ServiceError::Place`] when it is closed or cannot be.
    pub async fn set_standing(
        &self,
        caller: &Caller,
        id: ResellerId,
        expected: &Expected,
        standing: Standing,
        reason: Option<&Reason>,
    ) -> Result<Member, ServiceError> {
        let if_version = self.version(caller, id, expected).await?;
        let set = SetStanding { reseller: id, standing, if_version };
        let actor = caller.actor();
        let actor = if let Some(reason) = reason { actor.because(reason.as_str()) } else { actor };
        self.ledger.execute(Command { actor, request: Request::SetStanding(set) }).await?;
        self.must_exist(id).await
    }

    /// What a reseller and all below it have together.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when unknown or outside the caller's subtrees.
    pub async fn totals(&self, caller: &Caller, id: ResellerId) -> Result<Totals, ServiceError> {
        self.directory.authorise(caller, id).await?;
        let as_of = self.clock.now();
        Ok(Totals { root: id, by: self.reads.totals(id).await?, as_of })
    }

    /// The version that the ledger must find; the ledger looks again under its lock.
    async fn version(&self, caller: &Caller, id: ResellerId, expected: &Expected) -> Result<Option<i64>, ServiceError> {
        self.directory.authorise(caller, id).await?;
        if *expected == Expected::Any {
            return Ok(None);
        }
        let current = self.must_exist(id).await?.reseller.version;
        expected.check(current).map(|()| Some(current))
    }

    async fn must_exist(&self, id: ResellerId) -> Result<Member, ServiceError> {
        self.reads.member(id).await?.ok_or(ServiceError::NotFound)
    }

    async fn execute(&self, caller: &Caller, request: Request) -> Result<(), LedgerError> {
        self.ledger.execute(Command { actor: caller.actor(), request }).await.map(|_| ())
    }

    fn draw(&self) -> ResellerId {
        let mut random = [0; 10];
        self.randomness.fill(&mut random);
        ResellerId::from_uuid(uuid_v7(self.clock.now(), random, Shard::new(random[9])))
    }
}

/// The first field in which a reseller is not what would be opened, by its name in the contract.
fn difference(known: &Member, new: &NewReseller) -> Option<&'static str> {
    let place = &known.registration;
    let fields = [
        ("name", place.name == new.name.as_str()),
        ("level", place.level == new.level),
        ("parent_id", place.parent == Some(new.parent)),
    ];
    fields.into_iter().find(|(_, same)| !same).map(|(name, _)| name)
}
