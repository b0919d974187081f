//! `POST /oauth/token`: a token for client credentials (RFC 6749 §4.4).
//!
//! Errors have the form of RFC 6749 §5.2, because that is what clients' libraries read; what is not an
//! error of that protocol (too large, overloaded) is a problem like everywhere else.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::body::{has_media_type, read_body};
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::query;
use crate::http::state::ApiState;
use crate::services::Scope;
use crate::services::access::{Grant, GrantError};

const FORM: &str = "application/x-www-form-urlencoded";

/// The form of a token call.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the form; it is read by name, so that what is repeated is noticed")]
pub struct TokenRequest {
    #[schema(example = "client_credentials")]
    grant_type: String,
    /// When not given by HTTP Basic.
    #[schema(example = "cli_01939f3e-7c00-7000-8000-00000000000a")]
    client_id: Option<String>,
    /// When not given by HTTP Basic.
    #[schema(format = Password)]
    client_secret: Option<String>,
    /// Scopes separated by spaces; all that the client holds when absent.
    #[schema(example = "recharges:write recharges:read")]
    scope: Option<String>,
}

/// A token.
#[derive(Serialize, ToSchema)]
pub struct TokenAnswer {
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds.
    #[schema(example = 900)]
    expires_in: u32,
    #[schema(example = "recharges:write recharges:read")]
    scope: String,
}

/// An error of RFC 6749 §5.2.
#[derive(Serialize, ToSchema)]
pub struct TokenError {
    /// `invalid_request`, `invalid_client`, `invalid_scope` or `unsupported_grant_type`.
    #[schema(example = "invalid_client")]
    error: &'static str,
    error_description: &'static str,
}

/// Why there is no token, in the form its reader expects.
enum Refused {
    Protocol(StatusCode, TokenError),
    Problem(Problem),
}

struct Credentials {
    client_id: String,
    secret: SecretString,
}

/// Get a token
///
/// Client credentials by HTTP Basic or in the form, never both. The token is an `at+jwt` (RFC 9068) signed with Ed25519.
#[utoipa::path(
    post, path = "/oauth/token", operation_id = "create_token", tag = "access",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "A token", body = TokenAnswer),
        (status = 400, description = "`invalid_request`, `invalid_scope` or `unsupported_grant_type`", body = TokenError),
        (status = 401, description = "`invalid_client`: unknown, revoked or a wrong secret", body = TokenError),
        (status = 413, description = "The form is too large", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not a form", body = ProblemJson, content_type = "application/problem+json"),
        (status = 500, description = "Our fault", body = ProblemJson, content_type = "application/problem+json"),
        (status = 503, description = "Too many are waiting, or the store is out of reach; see Retry-After", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn create_token(State(state): State<ApiState>, request: Request) -> Response {
    let mut response = match grant(&state, request).await {
        Ok(grant) => Json(TokenAnswer {
            access_token: grant.token.expose_secret().to_owned(),
            token_type: "Bearer",
            expires_in: grant.expires_in_s,
            scope: grant.scopes.iter().map(|scope: &Scope| scope.name()).collect::<Vec<_>>().join(" "),
        })
        .into_response(),
        Err(refused) => refused.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

async fn grant(state: &ApiState, request: Request) -> Result<Grant, Refused> {
    if !has_media_type(&request, FORM) {
        return Err(Refused::Problem(Problem::new(Code::UnsupportedMediaType)));
    }
    let basic = basic_credentials(request.headers())?;
    let body = read_body(request, state).await.map_err(Refused::Problem)?;
    let form = std::str::from_utf8(&body).ok().and_then(query::decode).ok_or(invalid_request("not a form in UTF-8"))?;
    let field = |name: &str| -> Result<Option<&str>, Refused> {
        let mut values = form.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            // RFC 6749 §3.2: empty is absent, repeated is an error.
            (value, None) => Ok(value.filter(|value| !value.is_empty())),
            (_, Some(_)) => Err(invalid_request("a parameter appears more than once")),
        }
    };
    match field("grant_type")? {
        Some("client_credentials") => {}
        Some(_) => return Err(protocol("unsupported_grant_type", "expected client_credentials")),
        None => return Err(invalid_request("grant_type is missing")),
    }
    let credentials = match (basic, field("client_id")?, field("client_secret")?) {
        (Some(basic), None, None) => basic,
        (Some(basic), Some(id), None) if basic.client_id == id => basic,
        (Some(_), _, _) => return Err(invalid_request("credentials by HTTP Basic or in the form, not both")),
        (None, Some(id), Some(secret)) => Credentials { client_id: id.to_owned(), secret: secret.into() },
        (None, _, _) => return Err(invalid_client()),
    };
    let scope = field("scope")?;
    let granted = state.tokens.grant(&credentials.client_id, credentials.secret, scope).await;
    granted.map_err(|error| match error {
        GrantError::InvalidClient => invalid_client(),
        GrantError::InvalidScope => protocol("invalid_scope", "not a scope that the client holds"),
        GrantError::Overloaded { retry_after_s } => {
            Refused::Problem(Problem::retry_after(Code::Overloaded, retry_after_s))
        }
        GrantError::Unavailable { retry_after_s } => {
            Refused::Problem(Problem::retry_after(Code::Unavailable, retry_after_s))
        }
        GrantError::Internal => Refused::Problem(Problem::new(Code::InternalError)),
    })
}

/// RFC 6749 §2.3.1: id and secret are form-encoded before they are joined.
fn basic_credentials(headers: &HeaderMap) -> Result<Option<Credentials>, Refused> {
    let Some(given) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let parse = || {
        let (scheme, encoded) = given.to_str().ok()?.split_once(' ')?;
        let basic = scheme.eq_ignore_ascii_case("basic").then_some(encoded.trim())?;
        let text = String::from_utf8(STANDARD.decode(basic).ok()?).ok()?;
        let (id, secret) = text.split_once(':')?;
        let decoded = |part: &str| query::decode(&format!("={part}"))?.pop().map(|(_, value)| value);
        let (client_id, secret) =
            if id.contains('&') || secret.contains('&') { return None } else { (decoded(id)?, decoded(secret)?) };
        Some(Credentials { client_id, secret: secret.into() })
    };
    parse().map(Some).ok_or_else(invalid_client)
}

fn protocol(error: &'static str, error_description: &'static str) -> Refused {
    Refused::Protocol(StatusCode::BAD_REQUEST, TokenError { error, error_description })
}

fn invalid_request(description: &'static str) -> Refused {
    protocol("invalid_request", description)
}

fn invalid_client() -> Refused {
    let error_description = "the client is unknown or revoked, or the secret is wrong";
    Refused::Protocol(StatusCode::UNAUTHORIZED, TokenError { error: "invalid_client", error_description })
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::Protocol(status, error) => {
                let mut response = (status, Json(error)).into_response();
                if status == StatusCode::UNAUTHORIZED {
                    let challenge = HeaderValue::from_static(r#"Basic realm="taabia", charset="UTF-8""#);
                    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
                }
                response
            }
        }
    }
}
