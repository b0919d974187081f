//! The registry. What writes several rows is one statement, so that a caller who goes away leaves all or nothing.

use async_trait::async_trait;
use uuid::Uuid;

use super::error::store_error;
use super::{PostgresStore, sql};
use crate::domain::{ClientId, ResellerId, Timestamp};
use crate::ledger::Registration;
use crate::ports::{Client, Registry, Secret, StoreError};
use crate::storage::batch::check_found;
use crate::storage::clients::{rate_limit_column, read_clients, scopes_column};
use crate::storage::rows::RegistrationRow;

impl PostgresStore {
    /// One client, or all.
    async fn find_clients(&self, id: Option<Uuid>) -> Result<Vec<Client>, StoreError> {
        let clients = sqlx::query_as(sql::CLIENTS).bind(id).fetch_all(&self.reads).await.map_err(store_error)?;
        let roots = sqlx::query_as(sql::CLIENT_ROOTS).bind(id).fetch_all(&self.reads).await.map_err(store_error)?;
        let secrets = sqlx::query_as(sql::CLIENT_SECRETS).bind(id).fetch_all(&self.reads).await.map_err(store_error)?;
        read_clients(clients, roots, secrets)
    }
}

#[async_trait]
impl Registry for PostgresStore {
    async fn reseller(&self, id: ResellerId) -> Result<Option<Registration>, StoreError> {
        let query = sqlx::query_as::<_, RegistrationRow>(sql::RESELLER).bind(id.uuid());
        query.fetch_optional(&self.reads).await.map_err(store_error)?.map(Registration::try_from).transpose()
    }

    async fn reseller_by_code(&self, code: &str) -> Result<Option<Registration>, StoreError> {
        let query = sqlx::query_as::<_, RegistrationRow>(sql::RESELLER_BY_CODE).bind(code);
        query.fetch_optional(&self.reads).await.map_err(store_error)?.map(Registration::try_from).transpose()
    }

    async fn ancestors(&self, id: ResellerId) -> Result<Vec<ResellerId>, StoreError> {
        let query = sqlx::query_scalar(sql::ANCESTORS).bind(id.uuid());
        let ids: Vec<Uuid> = query.fetch_all(&self.reads).await.map_err(store_error)?;
        Ok(ids.into_iter().map(ResellerId::from_uuid).collect())
    }

    async fn subtree(
        &self,
        roots: &[ResellerId],
        after: Option<ResellerId>,
        limit: u32,
    ) -> Result<Vec<Registration>, StoreError> {
        let query = sqlx::query_as::<_, RegistrationRow>(sql::SUBTREE)
            .bind(roots.iter().map(|root| root.uuid()).collect::<Vec<_>>())
            .bind(after.map_or(Uuid::nil(), ResellerId::uuid))
            .bind(i64::from(limit));
        let rows = query.fetch_all(&self.reads).await.map_err(store_error)?;
        rows.into_iter().map(Registration::try_from).collect()
    }

    async fn client(&self, id: ClientId) -> Result<Option<Client>, StoreError> {
        Ok(self.find_clients(Some(id.uuid())).await?.pop())
    }

    async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        self.find_clients(None).await
    }

    async fn add_client(&self, client: &Client, partner_name: &str) -> Result<(), StoreError> {
        let secrets = || client.secrets.iter();
        let query = sqlx::query(sql::ADD_CLIENT)
            .bind(client.id.uuid())
            .bind(client.partner.uuid())
            .bind(partner_name)
            .bind(&client.name)
            .bind(scopes_column(&client.scopes))
            .bind(rate_limit_column(client.rate_limit_per_s)?)
            .bind(client.created_at.unix_ms())
            .bind(client.roots.iter().map(|root| root.uuid()).collect::<Vec<_>>())
            .bind(secrets().map(|secret| secret.hash.as_str()).collect::<Vec<_>>())
            .bind(secrets().map(|secret| secret.created_at.unix_ms()).collect::<Vec<_>>())
            .bind(secrets().map(|secret| secret.expires_at.map(Timestamp::unix_ms)).collect::<Vec<_>>());
        query.execute(&self.reads).await.map(|_| ()).map_err(store_error)
    }

    async fn rotate_secret(
        &self,
        id: ClientId,
        secret: &Secret,
        others_expire_at: Timestamp,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(sql::ROTATE_SECRET)
            .bind(id.uuid())
            .bind(&secret.hash)
            .bind(secret.created_at.unix_ms())
            .bind(secret.expires_at.map(Timestamp::unix_ms))
            .bind(others_expire_at.unix_ms());
        query.execute(&self.reads).await.map(|_| ()).map_err(store_error)
    }

    async fn revoke_client(&self, id: ClientId, at: Timestamp) -> Result<(), StoreError> {
        let query = sqlx::query(sql::REVOKE_CLIENT).bind(id.uuid()).bind(at.unix_ms());
        let written = query.execute(&self.reads).await.map_err(store_error)?;
        check_found("client", 1, written.rows_affected())
    }
}
