//! What decisions read of the network's tree.

use sqlx::SqliteConnection;
use uuid::Uuid;

use super::error::store_error;
use super::{json, sql};
use crate::domain::ResellerId;
use crate::ledger::tree::{TreeFound, TreeWants};
use crate::ports::StoreError;
use crate::storage::places::{BelowRow, NodeRow};

pub(super) async fn find(connection: &mut SqliteConnection, wants: &TreeWants) -> Result<TreeFound, StoreError> {
    let mut found = TreeFound::default();
    if !wants.codes.is_empty() {
        let query = sqlx::query_as(sql::TREE_CODES).bind(json::array(&wants.codes)?);
        let rows: Vec<(String, Uuid)> = query.fetch_all(&mut *connection).await.map_err(store_error)?;
        found.codes = rows.into_iter().map(|(code, id)| (code, ResellerId::from_uuid(id))).collect();
    }
    if !wants.lines.is_empty() {
        let query = sqlx::query_as::<_, NodeRow>(sql::TREE_LINES).bind(json::reseller_ids(&wants.lines)?);
        let rows = query.fetch_all(&mut *connection).await.map_err(store_error)?;
        found.nodes = rows.into_iter().map(NodeRow::read).collect::<Result<_, _>>()?;
    }
    if !wants.below.is_empty() {
        let query = sqlx::query_as::<_, BelowRow>(sql::TREE_BELOW).bind(json::reseller_ids(&wants.below)?);
        let rows = query.fetch_all(&mut *connection).await.map_err(store_error)?;
        found.below = rows.into_iter().map(BelowRow::read).collect::<Result<_, _>>()?;
    }
    Ok(found)
}
