//! `POST /v1/topups`: buys stock by card.

use std::str::FromStr;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shape::{Topup, answered};
use crate::acquiring::AcquirerName;
use crate::domain::catalogue::Code;
use crate::domain::{Channel, ExternalId, Money, ResellerId};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::http::v1::recharges::create::{EXTERNAL_ID, configured_currency};
use crate::ledger::recharge::AIRTIME;
use crate::ports::acquirer::CardToken;
use crate::services::Caller;
use crate::services::topups::{OwnRecharge, TopupOrder};

/// Longest address that a customer is sent back to.
const MAX_URL: usize = 2_048;

/// A top-up that is asked for.
pub struct TopupRequest(TopupOrder);

impl Readable for TopupRequest {
    const FIELDS: &'static [Field] = &[
        EXTERNAL_ID,
        Field::text("reseller_id", 40, "Who buys.", "rsl_01939f3e-7c00-7000-8000-00000000000a")
            .matching("^rsl_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"),
        Field::text("stock", 64, "Face value of what is bought, as a decimal string.", "1000.00")
            .matching(r"^[0-9]+(\.[0-9]+)?$"),
        Field::text("currency", 3, "Currency of the installation (ISO 4217).", "MAD"),
        Field::text("acquirer", 32, "Who is to take the money; without it the operator's rules choose.", "simulator")
            .optional(),
        Field::text(
            "payment_method",
            255,
            "What stands for the card at the acquirer, never a card number. Without it the customer pays on the \
             acquirer's own page.",
            "tok_visa",
        )
        .optional(),
        Field::text("return_url", MAX_URL, "Where the customer's browser comes back to.", "https://shop.example/back")
            .optional(),
        Field::object(
            "recharge",
            "What a subscriber buys for itself: a recharge of `stock` from the house reseller, which must be `reseller_id`. \
             One that is declined gives the money back.",
        ),
        Field::text("recharge/msisdn", 16, "Who gets the credit, in E.164 or in the national form.", "+212612345678")
            .without_card_check(),
        Field::text(
            "recharge/product",
            Code::MAX_LEN,
            "Code of what is sold, of /v1/products; airtime when absent.",
            AIRTIME,
        )
        .matching(Code::PATTERN)
        .optional(),
        Field::choice(
            "recharge/channel",
            || Channel::ALL.map(Channel::name).to_vec(),
            "Where it is sold; web when absent.",
            "web",
        )
        .optional(),
        Field::flag("recharge/allow_repeat", "Sell it although the same was sold a moment ago. Part of the content."),
    ];

    fn read(mut fields: Fields<'_>, state: &ApiState) -> Result<Self, Problem> {
        let external_id = fields.text("external_id", ExternalId::from_str);
        let reseller = fields.text("reseller_id", ResellerId::from_str);
        let stock = fields.text("stock", |text| Money::parse(text, state.currency));
        fields.text("currency", |text| configured_currency(text, state.currency));
        let acquirer = fields.text("acquirer", AcquirerName::from_str);
        let token = fields.text("payment_method", CardToken::from_str);
        let return_url = fields.text("return_url", return_url);
        let msisdn = fields.text("recharge/msisdn", |text| state.numbering.parse(text));
        let product = fields.text("recharge/product", Code::from_str);
        let channel = fields.text("recharge/channel", |text| Channel::from_name(text).ok_or(Channel::EXPECTED));
        let allow_repeat = fields.flag("recharge/allow_repeat");
        let own = |msisdn| OwnRecharge {
            msisdn,
            product: product.as_ref().map_or(AIRTIME, Code::as_str).into(),
            channel: channel.unwrap_or(Channel::Web),
            allow_repeat,
        };
        let order = || {
            Some(TopupOrder {
                external_id: external_id?,
                reseller: reseller?,
                stock_minor: stock?.minor(),
                acquirer,
                token,
                return_url,
                recharge: msisdn.map(own),
            })
        };
        let order = order();
        fields.finish(order).map(Self)
    }
}

fn return_url(text: &str) -> Result<Box<str>, &'static str> {
    match text.parse::<axum::http::Uri>() {
        Ok(url) if matches!(url.scheme_str(), Some("http" | "https")) && url.authority().is_some() => Ok(text.into()),
        _ => Err("expected an http or https URL"),
    }
}

impl PartialSchema for TopupRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "Stock that is to be bought by card.").into()
    }
}

impl ToSchema for TopupRequest {}

/// Buy stock by card
///
/// The price is quoted and the stock set aside; then an acquirer is asked for the money. The stock comes when, and only
/// when, the money was taken. In `requires_action` the customer must go to `redirect_url`. A refusal is an answer too:
/// `201` with `status` `declined`, final for its `external_id`. With `recharge` a subscriber pays for its own line.
#[utoipa::path(
    post, path = "/v1/topups", operation_id = "create_topup", tag = "topups",
    request_body = TopupRequest,
    responses(
        (status = 201, description = "Credited, declined, or on its way", body = Topup, headers(("Location" = String, description = "The top-up"))),
        (status = 200, description = "A replay: the top-up as it stands now", body = Topup, headers(("Idempotent-Replayed" = String, description = "`true`"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "The reseller is unknown or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "The external_id was used with other content", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value, or there is no such acquirer", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn create_topup(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(TopupRequest(order)): JsonBody<TopupRequest>,
) -> Result<Response, Problem> {
    let answer = state.topups.create(&caller, order).await?;
    answered(&state, &answer)
}
