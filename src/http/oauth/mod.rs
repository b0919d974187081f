//! Tokens, and what others need to check them.

mod jwks;
mod metadata;
mod token;

use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use super::state::ApiState;

pub fn calls() -> Vec<UtoipaMethodRouter<ApiState>> {
    vec![routes!(token::create_token), routes!(jwks::jwks), routes!(metadata::metadata)]
}
