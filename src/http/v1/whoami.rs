//! `GET /v1/whoami`: who the token speaks for and where it may sell.

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::ResellerId;
use crate::http::problem::{Problem, ProblemJson};
use crate::http::query::{PageParameters, Query, cursor, parse_cursor};
use crate::http::state::ApiState;
use crate::services::{Caller, Scope, ServiceError};

const PATH: &str = "/v1/whoami";
/// First byte of a cursor among the roots; how many were shown follows.
const ROOTS: u8 = 2;
/// First byte of a cursor below the roots; the last reseller shown follows, or nothing before the first.
const BELOW: u8 = 3;

/// The client behind the token.
#[derive(Serialize, ToSchema)]
pub struct Whoami {
    #[schema(example = "cli_01939f3e-7c00-7000-8000-00000000000a")]
    client_id: String,
    #[schema(example = "atm")]
    name: String,
    #[schema(example = json!(["recharges:write", "recharges:read"]))]
    scopes: Vec<&'static str>,
    /// The roots of its subtrees, then all below them, each once.
    reseller_ids: Vec<String>,
    /// For the next page; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Roots { shown: usize },
    Below { after: Option<ResellerId> },
}

/// Who the token speaks for
#[utoipa::path(
    get, path = "/v1/whoami", operation_id = "whoami", tag = "access",
    params(PageParameters),
    responses(
        (status = 200, description = "The client and a page of its resellers", body = Whoami, headers(("Link" = String, description = "The next page (RFC 8288), when there is one"))),
        (status = 400, description = "A parameter is unknown or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn whoami(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Problem> {
    let (query, place, limit) = Query::page(&uri, Place::parse)?;
    let place = place.unwrap_or(Place::Roots { shown: 0 });
    let (resellers, next) = page(&state, &caller, place, limit).await?;
    let next_cursor = next.map(Place::render);
    let headers = query.page_headers(PATH, next_cursor.as_deref());
    let body = Whoami {
        client_id: caller.client.to_string(),
        name: caller.name.to_string(),
        scopes: caller.scopes.iter().copied().map(Scope::name).collect(),
        reseller_ids: resellers.iter().map(ResellerId::to_string).collect(),
        next_cursor,
    };
    Ok((headers, Json(body)).into_response())
}

/// At most `limit` resellers from `place` on, and where the next page begins.
async fn page(
    state: &ApiState,
    caller: &Caller,
    place: Place,
    limit: u32,
) -> Result<(Vec<ResellerId>, Option<Place>), ServiceError> {
    let limit_len = limit as usize;
    let mut roots = caller.roots.to_vec();
    roots.sort_unstable();
    roots.dedup();
    let mut resellers = Vec::new();
    let mut after = match place {
        Place::Roots { shown } => {
            resellers.extend(roots.iter().skip(shown).take(limit_len));
            if shown + resellers.len() < roots.len() {
                let shown = shown + resellers.len();
                return Ok((resellers, Some(Place::Roots { shown })));
            }
            None
        }
        Place::Below { after } => after,
    };
    loop {
        // One more than fits tells whether there is a next page; roots come again here and are left out.
        let found = state.directory.page(caller, after, limit + 1).await?;
        for &reseller in &found.reseller_ids {
            if roots.binary_search(&reseller).is_err() {
                if resellers.len() == limit_len {
                    return Ok((resellers, Some(Place::Below { after })));
                }
                resellers.push(reseller);
            }
            after = Some(reseller);
        }
        if found.next.is_none() {
            return Ok((resellers, None));
        }
    }
}

impl Place {
    fn render(self) -> String {
        match self {
            Self::Roots { shown } => cursor(ROOTS, &u32::try_from(shown).unwrap_or(u32::MAX).to_be_bytes()),
            Self::Below { after: None } => cursor(BELOW, &[]),
            Self::Below { after: Some(after) } => cursor(BELOW, after.uuid().as_bytes()),
        }
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "expected a cursor of an earlier page";
        match parse_cursor(text)? {
            (ROOTS, place) => {
                let shown = place.try_into().map(u32::from_be_bytes).map_err(|_| EXPECTED)?;
                Ok(Self::Roots { shown: shown as usize })
            }
            (BELOW, place) if place.is_empty() => Ok(Self::Below { after: None }),
            (BELOW, place) => {
                let after = uuid::Uuid::from_slice(&place).map(ResellerId::from_uuid).map_err(|_| EXPECTED)?;
                Ok(Self::Below { after: Some(after) })
            }
            _ => Err(EXPECTED),
        }
    }
}
