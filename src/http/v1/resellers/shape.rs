//! A reseller as the contract shows it.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{ResellerId, Standing};
use crate::http::precondition::etag;
use crate::http::problem::{Code, Problem};
use crate::http::schema;
use crate::http::v1::recharges::REPLAYED;
use crate::ports::Member;

/// A reseller of the network.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reseller {
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-00000000000a")]
    id: String,
    /// The operator's own code, unique.
    #[schema(example = "CASA-0117")]
    code: String,
    #[schema(example = "Téléboutique Aïn Sebaâ")]
    name: String,
    /// One of the levels of the installation's network.
    #[schema(example = "outlet")]
    level: String,
    /// Whom it stands below; null at the top of the network.
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-000000000001", required)]
    parent_id: Option<String>,
    #[schema(schema_with = schema::standing)]
    standing: &'static str,
    #[schema(example = "2026-11-22T08:30:00.000Z", format = DateTime)]
    created_at: String,
}

impl From<&Member> for Reseller {
    fn from(member: &Member) -> Self {
        let place = &member.registration;
        Self {
            id: place.id.to_string(),
            code: place.code.clone(),
            name: place.name.clone(),
            level: place.level.to_string(),
            parent_id: place.parent.map(|parent| parent.to_string()),
            standing: Standing::name(member.reseller.standing),
            created_at: place.created_at.to_string(),
        }
    }
}

/// A reseller with its version as an entity tag.
#[must_use]
pub fn shown(member: &Member) -> Response {
    ([(header::ETAG, etag(member.reseller.version))], Json(Reseller::from(member))).into_response()
}

/// `201` for a new reseller, `200` for a replay.
#[must_use]
pub fn opened(member: &Member, replayed: bool) -> Response {
    let mut response = shown(member);
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    } else {
        *response.status_mut() = StatusCode::CREATED;
        let location = format!("/v1/resellers/{}", member.registration.id);
        response.headers_mut().insert(header::LOCATION, HeaderValue::from_str(&location).expect("ids are ASCII"));
    }
    response
}

/// The id in a path.
///
/// # Errors
/// `404`: what cannot be an id names nothing.
pub fn id_of(text: &str) -> Result<ResellerId, Problem> {
    text.parse().map_err(|_| Problem::new(Code::NotFound))
}
