//! The door of version 1: every call names what it needs, in one table, and gets the caller.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder};
use utoipa_axum::router::{UtoipaMethodRouter, UtoipaMethodRouterExt};

use super::problem::{Code, PROBLEM_JSON, Problem};
use super::state::ApiState;
use super::trace::RequestName;
use crate::services::access::AuthenticationError;
use crate::services::{Caller, Scope};

/// Name of the security scheme in the OpenAPI document.
pub const SCHEME: &str = "oauth2";

/// What a token must carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Scope(Scope),
    /// One of these.
    OneOf(&'static [Scope]),
    /// Any token of ours.
    AnyToken,
}

/// The calls of an API with what each needs. There is no way to have a call without.
pub type Calls = Vec<(Need, UtoipaMethodRouter<ApiState>)>;

/// Puts the call behind the door.
pub fn guarded(need: Need, call: UtoipaMethodRouter<ApiState>, state: &ApiState) -> UtoipaMethodRouter<ApiState> {
    let layer = middleware::from_fn_with_state((ApiState::clone(state), need), authorise);
    documented(need, call).map(|router| router.route_layer(layer))
}

/// Tells in the OpenAPI document what the call needs and how it is refused.
pub fn documented(need: Need, mut call: UtoipaMethodRouter<ApiState>) -> UtoipaMethodRouter<ApiState> {
    let alternatives: Vec<Vec<&str>> = match need {
        Need::Scope(scope) => vec![vec![scope.name()]],
        Need::OneOf(scopes) => scopes.iter().map(|scope| vec![scope.name()]).collect(),
        Need::AnyToken => vec![vec![]],
    };
    for operation in call.1.paths.values_mut().flat_map(operations_mut) {
        let requirement = |scopes: &Vec<&str>| SecurityRequirement::new(SCHEME, scopes.clone());
        operation.security = Some(alternatives.iter().map(requirement).collect());
        let refusals = [
            (Code::Unauthenticated, true),
            (Code::InsufficientScope, !matches!(need, Need::AnyToken)),
            (Code::RateLimited, true),
            (Code::InternalError, true),
            (Code::Unavailable, true),
        ];
        for (code, _) in refusals.into_iter().filter(|(_, applies)| *applies) {
            let status = code.line().status.as_str().to_owned();
            operation.responses.responses.entry(status).or_insert_with(|| RefOr::T(problem_response(code)));
        }
    }
    call
}

fn problem_response(code: Code) -> utoipa::openapi::Response {
    let problem = Content::new(Some(Ref::from_schema_name("Problem")));
    ResponseBuilder::new().description(code.line().meaning).content(PROBLEM_JSON, problem).build()
}

/// The calls of one path.
pub fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten()
}

async fn authorise(State((state, need)): State<(ApiState, Need)>, mut request: Request, next: Next) -> Response {
    match caller(&state, need, request.headers()).await {
        Ok(mut caller) => {
            caller.address = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.ip());
            let name = request.extensions().get::<RequestName>();
            caller.request = name.and_then(|name| name.0.to_str().ok()).map(Into::into);
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn caller(state: &ApiState, need: Need, headers: &HeaderMap) -> Result<Caller, Problem> {
    let Some(token) = bearer_token(headers) else {
        let given = headers.contains_key(header::AUTHORIZATION);
        let challenge =
            if given { r#"Bearer realm="taabia", error="invalid_token""# } else { r#"Bearer realm="taabia""# };
        return Err(unauthenticated(challenge));
    };
    let caller = state.authenticator.authenticate(token).await.map_err(|error| match error {
        AuthenticationError::InvalidToken => unauthenticated(r#"Bearer realm="taabia", error="invalid_token""#),
        AuthenticationError::RateLimited { retry_after_s } => Problem::retry_after(Code::RateLimited, retry_after_s),
        AuthenticationError::Unavailable { retry_after_s } => Problem::retry_after(Code::Unavailable, retry_after_s),
    })?;
    match need {
        Need::Scope(scope) if !caller.may(scope) => Err(insufficient_scope(&[scope])),
        Need::OneOf(scopes) if !scopes.iter().any(|scope| caller.may(*scope)) => Err(insufficient_scope(scopes)),
        Need::Scope(_) | Need::OneOf(_) | Need::AnyToken => Ok(caller),
    }
}

/// RFC 6750 §2.1; the scheme's name is not case-sensitive (RFC 9110 §11.1).
fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (scheme, token) = given.next()?.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && given.next().is_none()).then_some(token.trim())
}

fn unauthenticated(challenge: &'static str) -> Problem {
    Problem::new(Code::Unauthenticated).challenge(HeaderValue::from_static(challenge))
}

/// RFC 6750 §3.1.
pub(super) fn insufficient_scope(scopes: &[Scope]) -> Problem {
    let names = scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(" ");
    let challenge = format!(r#"Bearer realm="taabia", error="insufficient_scope", scope="{names}""#);
    let challenge = HeaderValue::from_str(&challenge).expect("scopes have ASCII names");
    Problem::new(Code::InsufficientScope).challenge(challenge)
}
