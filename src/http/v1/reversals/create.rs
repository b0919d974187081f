//! `POST /v1/recharges/{id}/reversal` and `POST /v1/recharges/reversal`: asks for a recharge to be taken back.

use std::str::FromStr;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shape::{ReversalJson, answered};
use crate::domain::{ExternalId, Money, OperationKind, ResellerId};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::http::v1::operations;
use crate::http::v1::recharges::create::{EXTERNAL_ID, RESELLER_ID, configured_currency};
use crate::services::Caller;
use crate::services::reversals::ReversalOrder;

const MAX_REASON: usize = 200;
const AMOUNT: Field = Field::text("amount", 64, "What is taken back; without it all that is left.", "20.00")
    .matching(r"^[0-9]+(\.[0-9]+)?$")
    .optional();
const CURRENCY: Field = Field::text("currency", 3, "Currency of the installation (ISO 4217).", "MAD").optional();
const REASON: Field = Field::text("reason", MAX_REASON, "Why, for the auditors.", "wrong number");

/// What both calls say.
fn order(fields: &mut Fields<'_>, state: &ApiState) -> Option<ReversalOrder> {
    let external_id = fields.text("external_id", ExternalId::from_str);
    let amount = fields.text("amount", |text| Money::parse(text, state.currency));
    fields.text("currency", |text| configured_currency(text, state.currency));
    let reason = fields.text("reason", |text| match text.trim() {
        "" => Err("expected a reason"),
        _ => Ok(Box::from(text)),
    });
    Some(ReversalOrder { external_id: external_id?, amount_minor: amount.map(Money::minor), reason: reason? })
}

/// A reversal that is asked for, but for the recharge.
pub struct ReversalRequest(ReversalOrder);

impl Readable for ReversalRequest {
    const FIELDS: &'static [Field] = &[EXTERNAL_ID, AMOUNT, CURRENCY, REASON];

    fn read(mut fields: Fields<'_>, state: &ApiState) -> Result<Self, Problem> {
        let order = order(&mut fields, state);
        fields.finish(order).map(Self)
    }
}

impl PartialSchema for ReversalRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "A recharge that is to be taken back, as a whole or in part.").into()
    }
}

impl ToSchema for ReversalRequest {}

/// A reversal that names the recharge as its client did.
pub struct KeyReversalRequest {
    reseller: ResellerId,
    original: ExternalId,
    order: ReversalOrder,
}

impl Readable for KeyReversalRequest {
    const FIELDS: &'static [Field] = &[
        EXTERNAL_ID,
        RESELLER_ID,
        Field::text(
            "original_external_id",
            ExternalId::MAX_LEN,
            "The external_id of the recharge that is to be taken back.",
            "atm7-000122",
        )
        .matching("^[ -~]{1,64}$"),
        AMOUNT,
        CURRENCY,
        REASON,
    ];

    fn read(mut fields: Fields<'_>, state: &ApiState) -> Result<Self, Problem> {
        let order = order(&mut fields, state);
        let reseller = fields.text("reseller_id", ResellerId::from_str);
        let own = order.as_ref().map(|order| order.external_id.clone());
        let original = fields.text("original_external_id", |text| match ExternalId::from_str(text) {
            Ok(original) if Some(&original) == own.as_ref() => Err("expected another one than the reversal's own"),
            other => other,
        });
        let request = || Some(Self { reseller: reseller?, original: original?, order: order? });
        let request = request();
        fields.finish(request)
    }
}

impl PartialSchema for KeyReversalRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "A recharge that is to be taken back, by the key it was asked for under.").into()
    }
}

impl ToSchema for KeyReversalRequest {}

/// Take a recharge back
///
/// The credit is taken back from the line first, then the stock comes back and commissions are taken back at the terms of
/// the sale. Until when, by whom and whether in part is a rule of the product. A refusal is an answer too: `201` with
/// `status` `declined`; the recharge is completed then as before. A recharge without an outcome yet is no obstacle: the
/// reversal waits, `202` and `created`, and is applied as soon as the outcome is known. A recharge that credited nobody is
/// answered with `completed` and `0.00`. The same request again answers the reversal as it stands.
#[utoipa::path(
    post, path = "/v1/recharges/{id}/reversal", operation_id = "reverse_recharge", tag = "recharges",
    params(("id" = String, Path, description = "The recharge", example = "rch_01939f3e-7c00-7000-8000-000000000001")),
    request_body = ReversalRequest,
    responses(
        (status = 201, description = "Decided: completed or declined", body = ReversalJson, headers(("Location" = String, description = "The reversal"))),
        (status = 202, description = "Outcome not known yet: poll it until `final`", body = ReversalJson, headers(("Location" = String, description = "The reversal"))),
        (status = 200, description = "A replay: the reversal as it stands now", body = ReversalJson, headers(("Idempotent-Replayed" = String, description = "`true`"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "The external_id was used with other content", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn reverse_recharge(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    JsonBody(ReversalRequest(order)): JsonBody<ReversalRequest>,
) -> Result<Response, Problem> {
    let answer = state.reversals.of_recharge(&caller, operations::id_of(&id, OperationKind::Recharge)?, order).await?;
    answered(&state, &answer.operation, answer.replayed)
}

/// Take a recharge back by its key
///
/// As a bank does that does not know our id: the recharge is named by the `external_id` it was asked for under. One that
/// was never received is answered with `completed` and `0.00`, and its key is voided: a request that arrives later is
/// declined with `voided`. Everything else is as above.
#[utoipa::path(
    post, path = "/v1/recharges/reversal", operation_id = "reverse_by_key", tag = "recharges",
    request_body = KeyReversalRequest,
    responses(
        (status = 201, description = "Decided: completed or declined", body = ReversalJson, headers(("Location" = String, description = "The reversal"))),
        (status = 202, description = "Outcome not known yet: poll it until `final`", body = ReversalJson, headers(("Location" = String, description = "The reversal"))),
        (status = 200, description = "A replay: the reversal as it stands now", body = ReversalJson, headers(("Idempotent-Replayed" = String, description = "`true`"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "The reseller is unknown or outside the caller's subtrees, or the key is of something else", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "The external_id was used with other content", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn reverse_by_key(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(request): JsonBody<KeyReversalRequest>,
) -> Result<Response, Problem> {
    let KeyReversalRequest { reseller, original, order } = request;
    let answer = state.reversals.of_key(&caller, (reseller, original), order).await?;
    answered(&state, &answer.operation, answer.replayed)
}
