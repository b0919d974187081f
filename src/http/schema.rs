//! Small pieces of the OpenAPI document.

use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use crate::domain::Status;
use crate::domain::rejection::DECLINES;

/// A text that is one of `values`.
#[must_use]
pub fn one_of(values: impl IntoIterator<Item = &'static str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values)).build()
}

#[must_use]
pub fn status() -> Object {
    one_of(Status::OF_RECHARGES.map(Status::name))
}

#[must_use]
pub fn decline_code() -> Object {
    one_of(DECLINES.map(|line| line.code))
}
