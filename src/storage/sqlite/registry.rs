//! The registry. A write opens a connection of its own, for it is rare: when its caller goes away in the middle,
//! the connection closes and rolls back.

use async_trait::async_trait;
use sqlx::{Connection, Executor, SqliteConnection};
use uuid::Uuid;

use super::error::store_error;
use super::{SqliteStore, json, sql};
use crate::domain::{ClientId, ResellerId, Timestamp};
use crate::ledger::Registration;
use crate::ports::{Client, Registry, Secret, StoreError};
use crate::storage::batch::check_found;
use crate::storage::clients::{rate_limit_column, read_clients, scopes_column};
use crate::storage::rows::RegistrationRow;

impl SqliteStore {
    /// One client, or all.
    async fn find_clients(&self, id: Option<Uuid>) -> Result<Vec<Client>, StoreError> {
        let clients = sqlx::query_as(sql::CLIENTS).bind(id).fetch_all(&self.reads).await.map_err(store_error)?;
        let roots = sqlx::query_as(sql::CLIENT_ROOTS).bind(id).fetch_all(&self.reads).await.map_err(store_error)?;
        let secrets = sqlx::query_as(sql::CLIENT_SECRETS).bind(id).fetch_all(&self.reads).await.map_err(store_error)?;
        read_clients(clients, roots, secrets)
    }

    pub(super) async fn begin_write(&self) -> Result<SqliteConnection, StoreError> {
        let mut connection = self.connect_writer().await?;
        connection.execute("BEGIN IMMEDIATE").await.map_err(store_error)?;
        Ok(connection)
    }

    /// Whether a transaction that writes can begin. That another one is under way is a good sign too.
    pub(super) async fn check_takes_writes(&self) -> Result<(), StoreError> {
        match self.begin_write().await {
            Ok(connection) => connection.close().await.map_err(store_error),
            Err(StoreError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

pub(super) async fn commit(mut connection: SqliteConnection) -> Result<(), StoreError> {
    connection.execute("COMMIT").await.map_err(store_error)?;
    connection.close().await.map_err(store_error)
}

async fn add_secret(connection: &mut SqliteConnection, client: ClientId, secret: &Secret) -> Result<(), StoreError> {
    let query = sqlx::query(sql::ADD_SECRET)
        .bind(client.uuid())
        .bind(&secret.hash)
        .bind(secret.created_at.unix_ms())
        .bind(secret.expires_at.map(Timestamp::unix_ms));
    query.execute(connection).await.map(|_| ()).map_err(store_error)
}

#[async_trait]
impl Registry for SqliteStore {
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
            .bind(json::reseller_ids(roots)?)
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
        let mut connection = self.begin_write().await?;
        let created_at_ms = client.created_at.unix_ms();
        let query = sqlx::query(sql::ADD_PARTNER).bind(client.partner.uuid()).bind(partner_name).bind(created_at_ms);
        query.execute(&mut connection).await.map_err(store_error)?;
        let query = sqlx::query(sql::ADD_CLIENT)
            .bind(client.id.uuid())
            .bind(client.partner.uuid())
            .bind(&client.name)
            .bind(scopes_column(&client.scopes))
            .bind(rate_limit_column(client.rate_limit_per_s)?)
            .bind(created_at_ms);
        query.execute(&mut connection).await.map_err(store_error)?;
        for root in &client.roots {
            let query = sqlx::query(sql::ADD_CLIENT_ROOT).bind(client.id.uuid()).bind(root.uuid());
            query.execute(&mut connection).await.map_err(store_error)?;
        }
        for secret in &client.secrets {
            add_secret(&mut connection, client.id, secret).await?;
        }
        commit(connection).await
    }

    async fn rotate_secret(
        &self,
        id: ClientId,
        secret: &Secret,
        others_expire_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut connection = self.begin_write().await?;
        let query = sqlx::query(sql::END_SECRETS).bind(id.uuid()).bind(others_expire_at.unix_ms());
        query.execute(&mut connection).await.map_err(store_error)?;
        add_secret(&mut connection, id, secret).await?;
        commit(connection).await
    }

    async fn revoke_client(&self, id: ClientId, at: Timestamp) -> Result<(), StoreError> {
        let mut connection = self.begin_write().await?;
        let query = sqlx::query(sql::REVOKE_CLIENT).bind(id.uuid()).bind(at.unix_ms());
        let written = query.execute(&mut connection).await.map_err(store_error)?;
        check_found("client", 1, written.rows_affected())?;
        commit(connection).await
    }
}
