//! The network as people look at it.

use async_trait::async_trait;
use uuid::Uuid;

use super::error::store_error;
use super::{SqliteStore, json, sql};
use crate::domain::{ResellerId, Standing};
use crate::ports::{Member, MemberQuery, MemberScope, NetworkReads, StoreError, SubtreeTotal};
use crate::storage::members::{MemberRow, TotalRow, read_members};

impl SqliteStore {
    async fn page(
        &self,
        statement: &'static str,
        of: ResellerId,
        query: &MemberQuery,
    ) -> Result<Vec<Member>, StoreError> {
        let statement = sqlx::query_as(statement)
            .bind(of.uuid())
            .bind(query.after.map_or(Uuid::max(), ResellerId::uuid))
            .bind(i64::from(query.limit))
            .bind(query.level.map(|level| level.to_string()))
            .bind(query.standing.map(Standing::name));
        read_members(statement.fetch_all(&self.reads).await.map_err(store_error)?)
    }
}

#[async_trait]
impl NetworkReads for SqliteStore {
    async fn member(&self, id: ResellerId) -> Result<Option<Member>, StoreError> {
        let query = sqlx::query_as::<_, MemberRow>(sql::MEMBER).bind(id.uuid());
        query.fetch_optional(&self.reads).await.map_err(store_error)?.map(MemberRow::read).transpose()
    }

    async fn members_by_code(&self, codes: &[String]) -> Result<Vec<Member>, StoreError> {
        let query = sqlx::query_as(sql::MEMBERS_BY_CODE).bind(json::array(codes)?);
        read_members(query.fetch_all(&self.reads).await.map_err(store_error)?)
    }

    async fn members(&self, query: &MemberQuery) -> Result<Vec<Member>, StoreError> {
        let mut found = match &query.scope {
            MemberScope::Children(parent) => self.page(sql::MEMBERS_OF_PARENT, *parent, query).await?,
            MemberScope::Below(roots) => {
                // A page of each root; subtrees may overlap.
                let mut found = Vec::new();
                for root in roots {
                    found.extend(self.page(sql::MEMBERS_BELOW, *root, query).await?);
                }
                found
            }
        };
        found.sort_unstable_by_key(|member| std::cmp::Reverse(member.registration.id));
        found.dedup_by_key(|member| member.registration.id);
        found.truncate(query.limit as usize);
        Ok(found)
    }

    async fn totals(&self, root: ResellerId) -> Result<Vec<SubtreeTotal>, StoreError> {
        let query = sqlx::query_as(sql::SUBTREE_TOTALS).bind(root.uuid());
        let rows: Vec<TotalRow> = query.fetch_all(&self.reads).await.map_err(store_error)?;
        rows.into_iter().map(TotalRow::read).collect()
    }
}
