//! What decisions read of the network's tree.

use sqlx::PgConnection;
use uuid::Uuid;

use super::session::answered;
use super::sql;
use crate::domain::ResellerId;
use crate::ledger::tree::{TreeFound, TreeWants};
use crate::ports::StoreError;
use crate::storage::places::{BelowRow, NodeRow};

pub(super) async fn find(connection: &mut PgConnection, wants: &TreeWants) -> Result<TreeFound, StoreError> {
    let mut found = TreeFound::default();
    if !wants.codes.is_empty() {
        let query = sqlx::query_as(sql::TREE_CODES).bind(&wants.codes);
        let rows: Vec<(String, Uuid)> = answered(query.fetch_all(&mut *connection)).await?;
        found.codes = rows.into_iter().map(|(code, id)| (code, ResellerId::from_uuid(id))).collect();
    }
    if !wants.lines.is_empty() {
        let query = sqlx::query_as::<_, NodeRow>(sql::TREE_LINES).bind(uuids(&wants.lines));
        let rows = answered(query.fetch_all(&mut *connection)).await?;
        found.nodes = rows.into_iter().map(NodeRow::read).collect::<Result<_, _>>()?;
    }
    if !wants.below.is_empty() {
        let query = sqlx::query_as::<_, BelowRow>(sql::TREE_BELOW).bind(uuids(&wants.below));
        let rows = answered(query.fetch_all(&mut *connection)).await?;
        found.below = rows.into_iter().map(BelowRow::read).collect::<Result<_, _>>()?;
    }
    Ok(found)
}

fn uuids(ids: &[ResellerId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.uuid()).collect()
}
