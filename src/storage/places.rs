//! Places of new resellers in the network's tree, as rows.

use std::collections::HashMap;

use serde::Serialize;
use uuid::Uuid;

use super::rows::{hex_bytes, hex_optional, shard_number};
use crate::domain::{Reseller, ResellerId, Standing};
use crate::ledger::tree::{Below, MAX_DEPTH, Node};
use crate::ledger::{Changes, Registration};
use crate::ports::StoreError;
use crate::storage::rows::{RegistrationRow, corrupt, read_level};

/// A registration with what the registry repeats of the reseller's state.
#[derive(Serialize)]
pub(super) struct PlaceRow {
    #[serde(serialize_with = "hex_bytes")]
    pub id: Uuid,
    pub code: String,
    pub name: String,
    pub level: String,
    #[serde(serialize_with = "hex_optional")]
    pub parent: Option<Uuid>,
    pub created_at: i64,
    pub shard: i16,
    pub stock_account: Option<i64>,
    pub standing: &'static str,
}

impl PlaceRow {
    pub(super) fn all_of(changes: &Changes) -> impl Iterator<Item = Self> {
        let states: HashMap<ResellerId, &Reseller> =
            changes.new_resellers.iter().map(|reseller| (reseller.id, reseller)).collect();
        let shard = shard_number(changes.head.shard);
        changes.registrations.iter().map(move |registration| {
            let state = states.get(&registration.id);
            let Registration { id, code, name, level, parent, created_at } = registration;
            Self {
                id: id.uuid(),
                code: code.clone(),
                name: name.clone(),
                level: level.as_str().into(),
                parent: parent.map(ResellerId::uuid),
                created_at: created_at.unix_ms(),
                shard,
                stock_account: state.map(|state| state.stock_account.0),
                standing: state.map_or(Standing::Active, |state| state.standing).name(),
            }
        })
    }
}

/// That one reseller stands below another.
#[derive(Serialize)]
pub(super) struct LineRow {
    #[serde(serialize_with = "hex_bytes")]
    pub ancestor: Uuid,
    #[serde(serialize_with = "hex_bytes")]
    pub descendant: Uuid,
    pub depth: i16,
}

/// The lines of new resellers up to the top of the network: as far as they go within the batch they are known, and
/// from the first reseller that was there before they are those of that one.
#[derive(Default)]
pub(super) struct Lines {
    pub within: Vec<LineRow>,
    /// The ancestor is the first one that was there before.
    pub hung: Vec<LineRow>,
}

impl Lines {
    /// # Errors
    /// [`StoreError::Refused`] when a line never ends.
    pub(super) fn of(rows: &[PlaceRow]) -> Result<Self, StoreError> {
        let parents: HashMap<Uuid, Option<Uuid>> = rows.iter().map(|row| (row.id, row.parent)).collect();
        let mut lines = Self::default();
        for row in rows {
            let mut ancestor = row.id;
            for depth in 0_i16.. {
                if usize::from(depth.unsigned_abs()) > MAX_DEPTH {
                    let text = format!("{} stands below itself, or too deep", ResellerId::from_uuid(row.id));
                    return Err(StoreError::Refused(text));
                }
                let line = LineRow { ancestor, descendant: row.id, depth };
                let Some(parent) = parents.get(&ancestor) else {
                    lines.hung.push(line);
                    break;
                };
                lines.within.push(line);
                let Some(parent) = parent else { break };
                ancestor = *parent;
            }
        }
        Ok(lines)
    }
}

/// A reseller of the tree as decisions read it.
#[derive(sqlx::FromRow)]
pub(super) struct NodeRow {
    #[sqlx(flatten)]
    place: RegistrationRow,
    standing: String,
}

impl NodeRow {
    pub(super) fn read(self) -> Result<Node, StoreError> {
        let standing = Standing::from_name(&self.standing).ok_or_else(|| corrupt("reseller.standing"))?;
        Ok(Node { registration: self.place.try_into()?, standing })
    }
}

/// What stands below a reseller.
#[derive(sqlx::FromRow)]
pub(super) struct BelowRow {
    id: Uuid,
    open_children: i64,
    levels: Option<String>,
    height: i64,
}

impl BelowRow {
    pub(super) fn read(self) -> Result<(ResellerId, Below), StoreError> {
        let levels = self.levels.as_deref().unwrap_or_default().split(',').filter(|level| !level.is_empty());
        let below = Below {
            open_children: self.open_children,
            child_levels: levels.map(|level| read_level(level, "reseller.level")).collect::<Result<_, _>>()?,
            height: usize::try_from(self.height).map_err(|_| corrupt("reseller_ancestor.depth"))?,
        };
        Ok((ResellerId::from_uuid(self.id), below))
    }
}
