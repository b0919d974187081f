//! Conditional changes: the version of what is changed travels as an entity tag (RFC 9110 §8.8.3, §13.1.1).

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};

use super::problem::{Code, Problem};
use crate::services::network::Expected;

/// The entity tag of a version.
#[must_use]
pub fn etag(version: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).expect("digits between quotes")
}

/// What `If-Match` names. A change without it is refused.
pub struct IfMatch(pub Expected);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut versions = Vec::new();
        let mut given = parts.headers.get_all(header::IF_MATCH).iter().peekable();
        if given.peek().is_none() {
            return Err(Problem::new(Code::VersionRequired));
        }
        for value in given {
            let text = value.to_str().unwrap_or_default();
            if text.trim() == "*" {
                return Ok(Self(Expected::Any));
            }
            // A weak tag, or one that is none of ours, matches nothing.
            versions.extend(
                text.split(',').filter_map(|tag| tag.trim().strip_prefix('"')?.strip_suffix('"')?.parse::<i64>().ok()),
            );
        }
        Ok(Self(Expected::Versions(versions)))
    }
}
