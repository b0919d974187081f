//! What lists of operations have in common: their filters and the cursors of their pages.

use std::str::FromStr;

use crate::domain::{ExternalId, OperationId, OperationKind, ResellerId, Status, Timestamp};
use crate::http::problem::{Code, Problem};
use crate::http::query::{Query, cursor, parse_cursor};
use crate::services::OperationFilter;

/// The parameters that [`filter`] reads.
pub const PARAMETERS: [&str; 7] = ["reseller_id", "external_id", "status", "from", "to", "limit", "cursor"];

/// Reads the filters of a list whose operations go through `statuses`, whose cursors begin with `tag`, and where an
/// external id is unique within the one that `unique_within` names.
///
/// # Errors
/// The parameters that have a bad value or lack their companion.
pub fn filter(
    query: &mut Query,
    statuses: &'static [Status],
    tag: u8,
    unique_within: &str,
) -> Result<OperationFilter, Problem> {
    let filter = OperationFilter {
        reseller: query.get("reseller_id", ResellerId::from_str),
        external_id: query.get("external_id", ExternalId::from_str),
        status: query.get("status", |text| status_of(text, statuses)),
        from: query.get("from", Timestamp::parse),
        to: query.get("to", Timestamp::parse),
        after: query.get("cursor", |text| place(text, tag)),
        limit: query.limit(),
    };
    if query.has("external_id") && !query.has("reseller_id") {
        query.refuse("reseller_id", "missing", &format!("external_id is unique within a {unique_within} only"));
    }
    if let (Some(from), Some(to)) = (filter.from, filter.to)
        && to < from
    {
        query.refuse("to", "invalid", "expected a time after from");
    }
    query.finish()?;
    Ok(filter)
}

/// The operation that a path names.
///
/// # Errors
/// `404`, as for an unknown one.
pub fn id_of(text: &str, kind: OperationKind) -> Result<OperationId, Problem> {
    OperationId::parse(text, kind.prefix()).ok_or_else(|| Problem::new(Code::NotFound))
}

/// The cursor of the page after the one that ends with `last`.
#[must_use]
pub fn cursor_after(tag: u8, last: OperationId) -> String {
    cursor(tag, last.uuid().as_bytes())
}

/// One of the statuses that the operations of a list go through.
///
/// # Errors
/// What was expected.
pub fn status_of(text: &str, statuses: &[Status]) -> Result<Status, &'static str> {
    statuses.iter().copied().find(|status| status.name() == text).ok_or("expected one of the statuses")
}

/// The last operation of the page before, as a cursor of the list of `tag` says.
///
/// # Errors
/// What was expected.
pub fn place(text: &str, tag: u8) -> Result<OperationId, &'static str> {
    match parse_cursor(text)? {
        (of, place) if of == tag => {
            uuid::Uuid::from_slice(&place).map(OperationId::from_uuid).map_err(|_| "expected a cursor")
        }
        _ => Err("expected a cursor of an earlier page"),
    }
}
