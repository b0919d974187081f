//! `GET /v1/resellers/{id}/users`: the users of an outlet, by login.

use axum::extract::{OriginalUri, Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::shape::User;
use crate::domain::{RecordId, ResellerId};
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::query::{PageParameters, Query, cursor, parse_cursor};
use crate::http::state::ApiState;
use crate::services::Caller;

/// First byte of this list's cursors; the login of the last item shown follows.
const AFTER: u8 = 31;

/// A page of users.
#[derive(Serialize, ToSchema)]
pub struct UserList {
    items: Vec<User>,
    /// For the next page; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// The users of an outlet, by login
#[utoipa::path(
    get, path = "/v1/resellers/{id}/users", operation_id = "list_users", tag = "users",
    params(("id" = String, Path, description = "The outlet", example = "rsl_01939f3e-7c00-7000-8000-00000000000a"), PageParameters),
    responses(
        (status = 200, description = "A page", body = UserList, headers(("Link" = String, description = "The next page (RFC 8288), when there is one"))),
        (status = 400, description = "A parameter is unknown or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn list_users(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Problem> {
    let reseller: ResellerId = id.parse().map_err(|_| Problem::new(Code::NotFound))?;
    let (query, after, limit) = Query::page(&uri, place)?;
    let page = state.users.list(&caller, reseller, after, limit).await?;
    let last = page.items.last().filter(|_| page.more);
    let next_cursor = last.map(|last| cursor(AFTER, last.key().id().as_str().as_bytes()));
    let path = format!("/v1/resellers/{reseller}/users");
    let headers = query.page_headers(&path, next_cursor.as_deref());
    let items = page.items.iter().map(User::of).collect::<Result<_, _>>()?;
    Ok((headers, Json(UserList { items, next_cursor })).into_response())
}

fn place(text: &str) -> Result<RecordId, &'static str> {
    const EXPECTED: &str = "expected a cursor of an earlier page";
    match parse_cursor(text)? {
        (AFTER, login) => String::from_utf8(login).ok().and_then(|login| login.parse().ok()).ok_or(EXPECTED),
        _ => Err(EXPECTED),
    }
}
