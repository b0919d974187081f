//! API clients, put together from their rows.

use std::collections::HashMap;

use uuid::Uuid;

use super::rows::{corrupt, read_at};
use crate::domain::{ClientId, PartnerId, ResellerId};
use crate::ports::{Client, Secret, StoreError};

#[derive(sqlx::FromRow)]
pub(super) struct ClientRow {
    id: Uuid,
    partner: Uuid,
    name: String,
    scopes: String,
    rate_limit_per_s: Option<i32>,
    created_at: i64,
    revoked_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
pub(super) struct RootRow {
    client: Uuid,
    reseller: Uuid,
}

#[derive(sqlx::FromRow)]
pub(super) struct SecretRow {
    client: Uuid,
    hash: String,
    created_at: i64,
    expires_at: Option<i64>,
}

/// How scopes stand in one column.
pub(super) fn scopes_column(scopes: &[String]) -> String {
    scopes.join(" ")
}

/// How a rate limit stands in its column.
pub(super) fn rate_limit_column(per_s: Option<u32>) -> Result<Option<i32>, StoreError> {
    per_s.map(i32::try_from).transpose().map_err(|_| StoreError::Refused("the rate limit is too large".into()))
}

/// Clients in the order of their rows, each with its roots and secrets.
pub(super) fn read_clients(
    clients: Vec<ClientRow>,
    roots: Vec<RootRow>,
    secrets: Vec<SecretRow>,
) -> Result<Vec<Client>, StoreError> {
    let mut roots_of: HashMap<Uuid, Vec<ResellerId>> = HashMap::new();
    for row in roots {
        roots_of.entry(row.client).or_default().push(ResellerId::from_uuid(row.reseller));
    }
    let mut secrets_of: HashMap<Uuid, Vec<Secret>> = HashMap::new();
    for row in secrets {
        secrets_of.entry(row.client).or_default().push(Secret {
            hash: row.hash,
            created_at: read_at(row.created_at),
            expires_at: row.expires_at.map(read_at),
        });
    }
    let read = |row: ClientRow| {
        let rate_limit_per_s = row.rate_limit_per_s.map(u32::try_from).transpose();
        Ok(Client {
            id: ClientId::from_uuid(row.id),
            partner: PartnerId::from_uuid(row.partner),
            name: row.name,
            scopes: row.scopes.split_whitespace().map(str::to_owned).collect(),
            roots: roots_of.remove(&row.id).unwrap_or_default(),
            secrets: secrets_of.remove(&row.id).unwrap_or_default(),
            rate_limit_per_s: rate_limit_per_s.map_err(|_| corrupt("client.rate_limit_per_s"))?,
            created_at: read_at(row.created_at),
            revoked_at: row.revoked_at.map(read_at),
        })
    };
    clients.into_iter().map(read).collect()
}
