//! Lists of operations that belong to resellers, newest first: the same filters and pages for every kind.

use super::caller::{Caller, ServiceError};
use super::directory::Directory;
use crate::domain::{ExternalId, Operation, OperationId, ResellerId, Status, Timestamp};
use crate::ports::{Party, PartyQuery, Reads, StoreError};

/// What a list shows.
#[derive(Clone, Debug, Default)]
pub struct OperationFilter {
    /// Whose.
    pub reseller: Option<ResellerId>,
    /// Only together with `reseller`, who acted; of the caller's own partner.
    pub external_id: Option<ExternalId>,
    pub status: Option<Status>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub after: Option<OperationId>,
    /// 1 to 200.
    pub limit: u32,
}

/// A page, newest first.
#[derive(Clone, Debug)]
pub struct OperationPage {
    pub items: Vec<Operation>,
    pub next: Option<OperationId>,
}

impl OperationPage {
    /// The page that begins so, when one more than `limit` was asked for.
    pub(super) fn of(mut items: Vec<Operation>, limit: u32) -> Self {
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = if more { items.last().map(|operation| operation.id) } else { None };
        Self { items, next }
    }
}

/// A page of the operations that `is_of_kind` knows and `fetch` reads, as far as the caller may see them.
///
/// # Errors
/// [`ServiceError`].
pub(super) async fn page<F>(
    directory: &Directory,
    reads: &dyn Reads,
    caller: &Caller,
    filter: OperationFilter,
    is_of_kind: fn(&Operation) -> bool,
    fetch: impl FnOnce(PartyQuery) -> F,
) -> Result<OperationPage, ServiceError>
where
    F: Future<Output = Result<Vec<Operation>, StoreError>>,
{
    let party = match filter.reseller {
        Some(reseller) => {
            directory.authorise(caller, reseller).await?;
            Party::Reseller(reseller)
        }
        None => Party::Below(caller.roots.to_vec()),
    };
    let OperationFilter { status, from, to, after, limit, .. } = filter;
    if let (Some(reseller), Some(external_id)) = (filter.reseller, &filter.external_id) {
        let shard = directory.shard_of(reseller);
        let found = reads.operation_by_key(shard, caller.partner, reseller, external_id).await?;
        let shows = |operation: &Operation| {
            is_of_kind(operation)
                && status.is_none_or(|status| operation.status == status)
                && from.is_none_or(|from| operation.created_at >= from)
                && to.is_none_or(|to| operation.created_at < to)
                && after.is_none()
        };
        return Ok(OperationPage { items: found.into_iter().filter(shows).collect(), next: None });
    }
    let items = fetch(PartyQuery { party, status, from, to, after, limit: limit + 1 }).await?;
    Ok(OperationPage::of(items, limit))
}
