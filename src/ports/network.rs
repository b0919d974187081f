//! The network as people look at it: places, standings and stock together, each query of one moment.

use async_trait::async_trait;

use super::store::StoreError;
use crate::domain::{Account, LevelName, Reseller, ResellerId, Standing};
use crate::ledger::Registration;

/// A reseller with its place, its state and its stock account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub registration: Registration,
    pub reseller: Reseller,
    pub stock: Account,
}

/// Which resellers a list may show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberScope {
    /// All below these roots, the roots included.
    Below(Vec<ResellerId>),
    /// The direct children of one.
    Children(ResellerId),
}

/// A page of resellers, newest first.
#[derive(Clone, Debug)]
pub struct MemberQuery {
    pub scope: MemberScope,
    pub level: Option<LevelName>,
    pub standing: Option<Standing>,
    /// Only what comes after this one in the list.
    pub after: Option<ResellerId>,
    pub limit: u32,
}

/// What the resellers of one level and one standing have together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubtreeTotal {
    pub level: LevelName,
    pub standing: Standing,
    pub resellers: i64,
    pub posted_minor: i64,
    pub held_minor: i64,
}

#[async_trait]
pub trait NetworkReads: Send + Sync {
    async fn member(&self, id: ResellerId) -> Result<Option<Member>, StoreError>;

    /// Those of the codes that somebody has, in any order.
    async fn members_by_code(&self, codes: &[String]) -> Result<Vec<Member>, StoreError>;

    /// By id, from the newest.
    async fn members(&self, query: &MemberQuery) -> Result<Vec<Member>, StoreError>;

    /// The stock of a reseller and of all below it, by level and standing.
    async fn totals(&self, root: ResellerId) -> Result<Vec<SubtreeTotal>, StoreError>;
}
