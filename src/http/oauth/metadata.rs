//! `GET /.well-known/oauth-authorization-server`: where everything is (RFC 8414).

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::state::ApiState;
use crate::services::Scope;

/// RFC 8414 §2.
#[derive(Serialize, ToSchema)]
pub struct Metadata {
    issuer: String,
    token_endpoint: String,
    jwks_uri: String,
    scopes_supported: Vec<&'static str>,
    /// There is no authorization endpoint, hence none.
    response_types_supported: [&'static str; 0],
    grant_types_supported: [&'static str; 1],
    token_endpoint_auth_methods_supported: [&'static str; 2],
    service_documentation: String,
}

/// Where tokens and keys are
#[utoipa::path(
    get, path = "/.well-known/oauth-authorization-server", operation_id = "authorization_server_metadata", tag = "access",
    responses((status = 200, description = "The metadata", body = Metadata))
)]
pub async fn metadata(State(state): State<ApiState>) -> Json<Metadata> {
    let issuer = &state.tokens.settings.issuer;
    Json(Metadata {
        issuer: issuer.clone(),
        token_endpoint: format!("{issuer}/oauth/token"),
        jwks_uri: format!("{issuer}/.well-known/jwks.json"),
        scopes_supported: Scope::ALL.iter().map(|scope| scope.name()).collect(),
        response_types_supported: [],
        grant_types_supported: ["client_credentials"],
        token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
        service_documentation: format!("{issuer}/docs"),
    })
}
