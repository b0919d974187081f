//! `GET /.well-known/jwks.json`: the keys that tokens are checked with (RFC 7517 §5).

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, header};
use jsonwebtoken::jwk::JwkSet;

use crate::http::state::ApiState;

/// The public keys
///
/// The one that signs comes first; the others signed tokens that may still be alive.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", operation_id = "jwks", tag = "access",
    responses((status = 200, description = "A JSON Web Key Set", body = Object, example = json!({
        "keys": [{ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "…", "x": "…" }]
    })))
)]
pub async fn jwks(State(state): State<ApiState>) -> ([(HeaderName, &'static str); 1], Json<JwkSet>) {
    // Short, so that a key is known everywhere soon after it is added.
    ([(header::CACHE_CONTROL, "public, max-age=60")], Json(state.tokens.keys.public_keys().await))
}
