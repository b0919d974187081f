//! `POST /v1/resellers`: opens a reseller.

use std::str::FromStr;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shape::{Reseller, opened};
use crate::domain::{LevelName, ResellerCode, ResellerId, ResellerName};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::services::Caller;
use crate::services::network::NewReseller;

pub const CODE: Field =
    Field::text("code", ResellerCode::MAX_LEN, "The operator's own code, unique in the network.", "CASA-0117")
        .matching("^[A-Za-z0-9][A-Za-z0-9._/:#-]{0,63}$");
pub const NAME: Field =
    Field::text("name", ResellerName::MAX_CHARS, "What it is called, in any script.", "Téléboutique Aïn Sebaâ");
pub const LEVEL: Field =
    Field::text("level", LevelName::MAX_LEN, "A level of the network, not above that of the parent.", "outlet")
        .matching("^[a-z][a-z0-9_]{0,23}$");
pub const PARENT_ID: Field =
    Field::text("parent_id", 40, "Whom it stands below.", "rsl_01939f3e-7c00-7000-8000-000000000001")
        .matching("^rsl_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$");

/// A reseller that is to be opened.
pub struct ResellerRequest(NewReseller);

impl Readable for ResellerRequest {
    const FIELDS: &'static [Field] = &[CODE, NAME, LEVEL, PARENT_ID];

    fn read(mut fields: Fields<'_>, _: &ApiState) -> Result<Self, Problem> {
        let code = fields.text("code", ResellerCode::from_str);
        let name = fields.text("name", ResellerName::from_str);
        let level = fields.text("level", LevelName::from_str);
        let parent = fields.text("parent_id", ResellerId::from_str);
        let new = || Some(NewReseller { code: code?, name: name?, level: level?, parent: parent? });
        let new = new();
        fields.finish(new).map(Self)
    }
}

impl PartialSchema for ResellerRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "A reseller that is to be opened.").into()
    }
}

impl ToSchema for ResellerRequest {}

/// Open a reseller
///
/// With an empty stock, below one of the caller's. Its `code` is its key: the same request again is a replay. Resellers
/// at the top of the network are opened by `taabia network import`.
#[utoipa::path(
    post, path = "/v1/resellers", operation_id = "create_reseller", tag = "network",
    request_body = ResellerRequest,
    responses(
        (status = 201, description = "Opened", body = Reseller, headers(("Location" = String, description = "The reseller"), ("ETag" = String, description = "Its version"))),
        (status = 200, description = "A replay: the reseller as it stands now", body = Reseller, headers(("Idempotent-Replayed" = String, description = "`true`"), ("ETag" = String, description = "Its version"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "The parent is unknown or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "The code is another's, or this reseller's with other content", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value, or nothing may stand there", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn create_reseller(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(ResellerRequest(new)): JsonBody<ResellerRequest>,
) -> Result<Response, Problem> {
    let (member, replayed) = state.network.open(&caller, new).await?;
    Ok(opened(&member, replayed))
}
