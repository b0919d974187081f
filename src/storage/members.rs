//! Resellers as people look at them, put together from their rows.

use super::audit_rows::AuditedReseller;
use super::rows::{AccountRow, corrupt, read_level};
use crate::domain::Standing;
use crate::ports::{Member, StoreError, SubtreeTotal};

/// A reseller's place, its state and its stock account.
#[derive(sqlx::FromRow)]
pub(super) struct MemberRow {
    #[sqlx(flatten)]
    reseller: AuditedReseller,
    #[sqlx(flatten)]
    stock: AccountRow,
}

impl MemberRow {
    pub(super) fn read(self) -> Result<Member, StoreError> {
        let (_, reseller, registration) = self.reseller.read()?;
        let (_, stock) = self.stock.read()?;
        Ok(Member { registration, reseller, stock })
    }
}

pub(super) fn read_members(rows: Vec<MemberRow>) -> Result<Vec<Member>, StoreError> {
    rows.into_iter().map(MemberRow::read).collect()
}

#[derive(sqlx::FromRow)]
pub(super) struct TotalRow {
    level: String,
    standing: String,
    resellers: i64,
    posted_minor: i64,
    held_minor: i64,
}

impl TotalRow {
    pub(super) fn read(self) -> Result<SubtreeTotal, StoreError> {
        Ok(SubtreeTotal {
            level: read_level(&self.level, "reseller.level")?,
            standing: Standing::from_name(&self.standing).ok_or_else(|| corrupt("reseller.standing"))?,
            resellers: self.resellers,
            posted_minor: self.posted_minor,
            held_minor: self.held_minor,
        })
    }
}
