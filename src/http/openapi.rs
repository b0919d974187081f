//! The OpenAPI document (3.1), made of the calls themselves. Committed as `api-spec/openapi.json`.

use utoipa::OpenApi as _;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ClientCredentials, Flow, OAuth2, Scopes, SecurityScheme};
use utoipa::openapi::{Components, OpenApi, RefOr};
use utoipa_axum::router::OpenApiRouter;

use super::problem::{self, FieldError, PROBLEM_JSON, ProblemJson};
use super::{authorisation, open_calls, v1};
use crate::services::Scope;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Taabia",
        description = "Electronic recharge distribution: sell prepaid credit from a reseller's stock.\n\n\
            Amounts are decimal strings with the currency beside them; times are RFC 3339 in UTC; ids are prefixed UUIDv7.\n\n\
            Choose an `external_id` and store it before sending: the same request sent again with the same `external_id` never \
            takes effect twice, and answers `200` with `Idempotent-Replayed: true`.\n\n\
            Errors are RFC 9457 problems with a stable `code` and a `retry` class.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ProblemJson, FieldError)),
    tags(
        (name = "recharges", description = "Fast recharges from a reseller's stock"),
        (name = "settlement", description = "Settlement files of acquirers"),
        (name = "topups", description = "Stock that resellers buy by card"),
        (name = "network", description = "Resellers and where they stand"),
        (name = "products", description = "What is sold"),
        (name = "stock", description = "What resellers have"),
        (name = "care", description = "Subscribers who complain"),
        (name = "webhooks", description = "Endpoints that are told of events"),
        (name = "access", description = "Tokens and who they speak for"),
        (name = "operation", description = "Whether the node is well"),
    ),
)]
struct Document;

/// All calls, their parameters, bodies, answers, errors and scopes.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut calls = OpenApiRouter::with_openapi(Document::openapi());
    for (need, call) in v1::calls() {
        calls = calls.routes(authorisation::documented(need, call));
    }
    for call in open_calls() {
        calls = calls.routes(call);
    }
    let mut document = calls.into_openapi();
    let scopes: Scopes = Scope::ALL.map(|scope| (scope.name(), meaning(scope))).into_iter().collect();
    let flow = Flow::ClientCredentials(ClientCredentials::new("/oauth/token", scopes));
    document
        .components
        .get_or_insert_with(Components::new)
        .add_security_scheme(authorisation::SCHEME, SecurityScheme::OAuth2(OAuth2::new([flow])));
    document.paths.paths.values_mut().flat_map(authorisation::operations_mut).for_each(give_examples);
    document
}

/// Every error is shown as it would come, and an outcome that is not known yet as such.
fn give_examples(call: &mut Operation) {
    let has_body = call.request_body.is_some();
    for (status, response) in &mut call.responses.responses {
        let RefOr::T(response) = response else { continue };
        for (media_type, content) in &mut response.content {
            let RefOr::T(content) = content else { continue };
            if media_type == PROBLEM_JSON {
                content.example = problem::example(status, has_body);
            } else if status == "202" {
                content.example = Some(v1::in_doubt());
            }
        }
    }
}

fn meaning(scope: Scope) -> &'static str {
    match scope {
        Scope::RechargesWrite => "Sell recharges",
        Scope::RechargesRead => "See recharges",
        Scope::StockRead => "See what resellers have",
        Scope::StockWrite => "Move stock between resellers",
        Scope::StockIssue => "Ask for stock to be issued",
        Scope::StockApprove => "Approve what another asked to issue",
        Scope::StockAllocate => "Give stock to resellers",
        Scope::NetworkRead => "See the network",
        Scope::NetworkWrite => "Change the network",
        Scope::TopupsRead => "See top-ups",
        Scope::TopupsWrite => "Buy stock by card",
        Scope::AuditRead => "See what people did to configuration and network",
        Scope::WebhooksRead => "See endpoints for events and what was sent to them",
        Scope::WebhooksWrite => "Register endpoints for events",
        Scope::CareRead => "Look into the recharges of subscribers, which is recorded, and see their cases",
        Scope::CareWrite => "Open, take and close the cases of subscribers",
    }
}
