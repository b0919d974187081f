//! `POST /v1/transfers`: moves stock between resellers, or back to the operator.

use std::str::FromStr;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shape::{Transfer, answered};
use crate::domain::{ExternalId, Money, ResellerId, TransferKind};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::http::v1::recharges::create::{EXTERNAL_ID, configured_currency};
use crate::services::{Caller, TransferOrder};

/// The one value of `acceptance`.
const REQUIRED: &str = "required";
const ID: &str = "^rsl_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$";

/// A transfer that is asked for.
pub struct TransferRequest(TransferOrder);

impl Readable for TransferRequest {
    const FIELDS: &'static [Field] = &[
        EXTERNAL_ID,
        Field::text("from_reseller_id", 40, "Whose stock it is.", "rsl_01939f3e-7c00-7000-8000-00000000000a")
            .matching(ID),
        Field::text(
            "to_reseller_id",
            40,
            "Who gets it. A return without it goes back to the operator.",
            "rsl_01939f3e-7c00-7000-8000-00000000000b",
        )
        .matching(ID)
        .optional(),
        Field::text("amount", 64, "Face value as a decimal string.", "500.00").matching(r"^[0-9]+(\.[0-9]+)?$"),
        Field::text("currency", 3, "Currency of the installation (ISO 4217).", "MAD"),
        Field::choice(
            "kind",
            || TransferKind::ALL.map(TransferKind::name).to_vec(),
            "Whether stock is handed on or given back.",
            "transfer",
        ),
        Field::choice(
            "acceptance",
            || vec![REQUIRED],
            "Lets the stock wait until the receiver accepts it. Part of the content.",
            REQUIRED,
        )
        .optional(),
    ];

    fn read(mut fields: Fields<'_>, state: &ApiState) -> Result<Self, Problem> {
        let external_id = fields.text("external_id", ExternalId::from_str);
        let from = fields.text("from_reseller_id", ResellerId::from_str);
        let to = fields.text("to_reseller_id", ResellerId::from_str);
        let amount = fields.text("amount", |text| Money::parse(text, state.currency));
        fields.text("currency", |text| configured_currency(text, state.currency));
        let kind = fields.text("kind", |text| TransferKind::from_name(text).ok_or("expected transfer or return"));
        let acceptance =
            fields.text("acceptance", |text| if text == REQUIRED { Ok(()) } else { Err("expected required") });
        if to.is_none() && kind == Some(TransferKind::Transfer) {
            fields.demand("to_reseller_id", "only a return may go without it, back to the operator");
        }
        if kind == Some(TransferKind::Return) && to.is_none() && acceptance.is_some() {
            fields.refuse("acceptance", "the operator takes stock back without it");
        }
        let order = || {
            Some(TransferOrder {
                external_id: external_id?,
                from: from?,
                to,
                kind: kind?,
                amount_minor: amount?.minor(),
                asks_acceptance: acceptance.is_some(),
            })
        };
        let order = order();
        fields.finish(order).map(Self)
    }
}

impl PartialSchema for TransferRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "A transfer or return that is asked for.").into()
    }
}

impl ToSchema for TransferRequest {}

/// Move stock
///
/// Along the edges of the network that the operator permits: usually a transfer from a reseller to any below it, a
/// return to any above it or to the operator. Both sides move at once, unless the receiver has to accept first: then
/// the stock is held at the sender's. A refusal for a business reason is an answer too: `201` with `status`
/// `declined`, final for its `external_id`.
#[utoipa::path(
    post, path = "/v1/transfers", operation_id = "create_transfer", tag = "transfers",
    request_body = TransferRequest,
    responses(
        (status = 201, description = "Completed, declined, or waiting for acceptance", body = Transfer, headers(("Location" = String, description = "The transfer"))),
        (status = 200, description = "A replay: the transfer as it stands now", body = Transfer, headers(("Idempotent-Replayed" = String, description = "`true`"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "The sender is unknown or outside the caller's subtrees, or the receiver is out of its reach", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "The external_id was used with other content", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn create_transfer(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(TransferRequest(order)): JsonBody<TransferRequest>,
) -> Result<Response, Problem> {
    let answer = state.transfers.create(&caller, order).await?;
    answered(&state, &answer, true)
}
