//! `POST /v1/recharges`: sells a recharge.

use std::str::FromStr;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shape::{Recharge, answered};
use crate::domain::catalogue::Code;
use crate::domain::{Channel, Currency, ExternalId, Money, ResellerId, TerminalId};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::ledger::recharge::AIRTIME;
use crate::services::{Caller, RechargeOrder};

pub const EXTERNAL_ID: Field = Field::text(
    "external_id",
    ExternalId::MAX_LEN,
    "Chosen and stored by the client before sending. The same id and content never take effect twice.",
    "atm7-000123",
)
.matching("^[ -~]{1,64}$");
pub const RESELLER_ID: Field =
    Field::text("reseller_id", 40, "Whose stock is sold.", "rsl_01939f3e-7c00-7000-8000-00000000000a")
        .matching("^rsl_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$");

/// What a recharge is made of, besides key and reseller.
pub const ORDER: [Field; 7] = [
    Field::text("msisdn", 16, "Who gets the credit, in E.164 or in the national form.", "+212612345678")
        .without_card_check(),
    Field::text("amount", 64, "Face value as a decimal string.", "20.00").matching(r"^[0-9]+(\.[0-9]+)?$"),
    Field::text("currency", 3, "Currency of the installation (ISO 4217).", "MAD"),
    Field::text("product", Code::MAX_LEN, "Code of what is sold, of /v1/products; airtime when absent.", AIRTIME)
        .matching(Code::PATTERN)
        .optional(),
    Field::choice("channel", || Channel::ALL.map(Channel::name).to_vec(), "Where it is sold.", "atm"),
    Field::text("terminal_id", TerminalId::MAX_LEN, "The device that sells it.", "ATM-0007")
        .matching("^[ -~]{1,32}$")
        .optional(),
    Field::flag("allow_repeat", "Sell it although the same was sold a moment ago. Part of the content."),
];

/// Reads reseller and [`ORDER`].
pub fn read_order(fields: &mut Fields<'_>, state: &ApiState, external_id: Option<ExternalId>) -> Option<RechargeOrder> {
    let reseller = fields.text("reseller_id", ResellerId::from_str);
    let msisdn = fields.text("msisdn", |text| state.numbering.parse(text));
    let amount = fields.text("amount", |text| Money::parse(text, state.currency));
    fields.text("currency", |text| configured_currency(text, state.currency));
    let product = fields.text("product", Code::from_str);
    let channel = fields.text("channel", |text| Channel::from_name(text).ok_or(Channel::EXPECTED));
    let terminal = fields.text("terminal_id", TerminalId::from_str);
    let allow_repeat = fields.flag("allow_repeat");
    Some(RechargeOrder {
        external_id: external_id?,
        reseller: reseller?,
        msisdn: msisdn?,
        amount_minor: amount?.minor(),
        product: product.as_ref().map_or(AIRTIME, Code::as_str).into(),
        channel: channel?,
        terminal,
        allow_repeat,
    })
}

/// A recharge that is asked for.
pub struct RechargeRequest(RechargeOrder);

impl Readable for RechargeRequest {
    const FIELDS: &'static [Field] =
        &[EXTERNAL_ID, RESELLER_ID, ORDER[0], ORDER[1], ORDER[2], ORDER[3], ORDER[4], ORDER[5], ORDER[6]];

    fn read(mut fields: Fields<'_>, state: &ApiState) -> Result<Self, Problem> {
        let external_id = fields.text("external_id", ExternalId::from_str);
        let order = read_order(&mut fields, state, external_id);
        fields.finish(order).map(Self)
    }
}

pub fn configured_currency(text: &str, configured: Currency) -> Result<(), String> {
    if text == configured.code() {
        Ok(())
    } else {
        Err(format!("expected {configured}, the currency of this installation"))
    }
}

impl PartialSchema for RechargeRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "A recharge that is asked for.").into()
    }
}

impl ToSchema for RechargeRequest {}

/// Sell a recharge
///
/// Sets the stock aside, has the line credited, and answers with the outcome when it comes in time. A refusal for a
/// business reason is an answer too: `201` with `status` `declined`, final for its `external_id`.
#[utoipa::path(
    post, path = "/v1/recharges", operation_id = "create_recharge", tag = "recharges",
    request_body = RechargeRequest,
    responses(
        (status = 201, description = "Decided: completed or declined", body = Recharge, headers(("Location" = String, description = "The recharge"))),
        (status = 202, description = "Outcome not known yet: poll it until `final`", body = Recharge, headers(("Location" = String, description = "The recharge"))),
        (status = 200, description = "A replay: the recharge as it stands now", body = Recharge, headers(("Idempotent-Replayed" = String, description = "`true`"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "The reseller is unknown or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "The external_id was used with other content", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn create_recharge(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(RechargeRequest(order)): JsonBody<RechargeRequest>,
) -> Result<Response, Problem> {
    let answer = state.recharges.create(&caller, order).await?;
    Ok(answered(&state, &answer.operation, answer.replayed).await)
}
