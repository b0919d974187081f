//! The network as people look at it.

use async_trait::async_trait;
use uuid::Uuid;

use super::error::store_error;
use super::{PostgresStore, sql};
use crate::domain::{ResellerId, Standing};
use crate::ports::{Member, MemberQuery, MemberScope, NetworkReads, StoreError, SubtreeTotal};
use crate::storage::members::{MemberRow, TotalRow, read_members};

#[async_trait]
impl NetworkReads for PostgresStore {
    async fn member(&self, id: ResellerId) -> Result<Option<Member>, StoreError> {
        let query = sqlx::query_as::<_, MemberRow>(sql::MEMBER).bind(id.uuid());
        query.fetch_optional(&self.reads).await.map_err(store_error)?.map(MemberRow::read).transpose()
    }

    async fn members_by_code(&self, codes: &[String]) -> Result<Vec<Member>, StoreError> {
        let query = sqlx::query_as(sql::MEMBERS_BY_CODE).bind(codes);
        read_members(query.fetch_all(&self.reads).await.map_err(store_error)?)
    }

    async fn members(&self, query: &MemberQuery) -> Result<Vec<Member>, StoreError> {
        let statement = match &query.scope {
            MemberScope::Below(roots) => {
                sqlx::query_as(sql::MEMBERS_BELOW).bind(roots.iter().map(|root| root.uuid()).collect::<Vec<_>>())
            }
            MemberScope::Children(parent) => sqlx::query_as(sql::MEMBERS_OF_PARENT).bind(parent.uuid()),
        };
        let statement = statement
            .bind(query.after.map_or(Uuid::max(), ResellerId::uuid))
            .bind(i64::from(query.limit))
            .bind(query.level.map(|level| level.to_string()))
            .bind(query.standing.map(Standing::name));
        read_members(statement.fetch_all(&self.reads).await.map_err(store_error)?)
    }

    async fn totals(&self, root: ResellerId) -> Result<Vec<SubtreeTotal>, StoreError> {
        let mut transaction = self.reads.begin_with("BEGIN READ ONLY").await.map_err(store_error)?;
        sqlx::query(sql::TOTALS_SETTINGS).execute(&mut *transaction).await.map_err(store_error)?;
        let query = sqlx::query_as(sql::SUBTREE_TOTALS).bind(root.uuid());
        let rows: Vec<TotalRow> = query.fetch_all(&mut *transaction).await.map_err(store_error)?;
        transaction.rollback().await.map_err(store_error)?;
        rows.into_iter().map(TotalRow::read).collect()
    }
}
