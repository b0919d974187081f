//! Reads a JSON object of known fields and says all that is wrong with it at once.
//!
//! What is not the expected JSON at all (malformed, an unknown field, a wrong type) is `400`; what is
//! missing or has a bad value is `422`. One table of fields per request serves the reader and the schema.

mod json;

use std::fmt;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, Object, ObjectBuilder, Type};

use json::Value;

use super::problem::{Code, FieldError, Problem};
use super::state::ApiState;
use crate::domain::text::contains_card_number;

/// Errors beyond these are not listed.
const MAX_ERRORS: usize = 20;
/// Nobody keeps us waiting longer for a few hundred bytes.
const BODY_ARRIVES_WITHIN: Duration = Duration::from_secs(10);
/// The same for some megabytes.
const LARGE_BODY_ARRIVES_WITHIN: Duration = Duration::from_mins(1);

/// JSON type of a field.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Text {
        pattern: Option<&'static str>,
        values: fn() -> Vec<&'static str>,
        max_length: usize,
    },
    Flag,
    /// A whole number from zero on.
    Count,
    /// A list of texts, each one of a few.
    Texts {
        values: fn() -> Vec<&'static str>,
    },
    /// An object, whose own fields stand in the same table: their names begin with its name and `/`.
    Object,
}

/// A field that a request knows.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
    /// Whether a card number in it is refused: in all but `msisdn`, whose digits may look like one.
    pub card_checked: bool,
    pub meaning: &'static str,
    pub example: &'static str,
}

impl Field {
    /// A required text.
    #[must_use]
    pub const fn text(name: &'static str, max_length: usize, meaning: &'static str, example: &'static str) -> Self {
        let kind = Kind::Text { pattern: None, values: Vec::new, max_length };
        Self { name, kind, required: true, card_checked: true, meaning, example }
    }

    /// A required text that is one of a few.
    #[must_use]
    pub const fn choice(
        name: &'static str,
        values: fn() -> Vec<&'static str>,
        meaning: &'static str,
        example: &'static str,
    ) -> Self {
        let kind = Kind::Text { pattern: None, values, max_length: 64 };
        Self { name, kind, required: true, card_checked: true, meaning, example }
    }

    /// An optional truth value, false by default.
    #[must_use]
    pub const fn flag(name: &'static str, meaning: &'static str) -> Self {
        Self { name, kind: Kind::Flag, required: false, card_checked: false, meaning, example: "" }
    }

    /// An optional whole number from zero on.
    #[must_use]
    pub const fn count(name: &'static str, meaning: &'static str) -> Self {
        Self { name, kind: Kind::Count, required: false, card_checked: false, meaning, example: "" }
    }

    /// An optional list of texts, each one of a few.
    #[must_use]
    pub const fn choices(
        name: &'static str,
        values: fn() -> Vec<&'static str>,
        meaning: &'static str,
        example: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Texts { values }, required: false, card_checked: true, meaning, example }
    }

    /// An optional object. Those of its fields that are required are required where it is there.
    #[must_use]
    pub const fn object(name: &'static str, meaning: &'static str) -> Self {
        Self { name, kind: Kind::Object, required: false, card_checked: false, meaning, example: "" }
    }

    #[must_use]
    pub const fn optional(self) -> Self {
        Self { required: false, ..self }
    }

    #[must_use]
    pub const fn without_card_check(self) -> Self {
        Self { card_checked: false, ..self }
    }

    #[must_use]
    pub const fn matching(self, pattern: &'static str) -> Self {
        let kind = match self.kind {
            Kind::Text { values, max_length, .. } => Kind::Text { pattern: Some(pattern), values, max_length },
            other => other,
        };
        Self { kind, ..self }
    }
}

/// A body whose fields are known and of the right types; collects what is wrong with their values.
pub struct Fields<'a> {
    known: &'static [Field],
    values: Vec<Option<Value<'a>>>,
    errors: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    /// # Errors
    /// A `400` problem.
    pub fn read(json: &'a [u8], known: &'static [Field]) -> Result<Self, Problem> {
        // The library's text may repeat what was sent: only the place is told.
        let (values, mut unexpected) = json::read(json, known).map_err(|error| {
            let place = format!("not valid JSON at line {}, column {}", error.line(), error.column());
            Problem::new(Code::MalformedJson).detail(place)
        })?;
        if !unexpected.is_empty() {
            unexpected.truncate(MAX_ERRORS);
            return Err(Problem::with_errors(Code::InvalidBody, unexpected));
        }
        let mut fields = Self { known, values, errors: Vec::new() };
        fields.check_texts();
        Ok(fields)
    }

    /// A text, parsed. `None` when it is absent or leaves an error behind, which [`Self::finish`] returns;
    /// a required one that is absent does.
    pub fn text<T, E: fmt::Display>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let index = self.index(name);
        match &self.values[index] {
            Some(Value::Text(text)) => match parse(text) {
                Ok(value) => return Some(value),
                // A text that was found unfit before is not reported twice.
                Err(_) if self.has_error(name) => {}
                Err(error) => self.errors.push(field_error(name, "invalid", error.to_string())),
            },
            None if self.known[index].required && self.is_within_what_is_there(name) => {
                self.errors.push(field_error(name, "missing", "this field is required"));
            }
            Some(Value::Flag(_) | Value::Count(_) | Value::Texts(_) | Value::Object | Value::Other) | None => {}
        }
        None
    }

    /// An optional list, parsed one by one.
    pub fn texts<T, E: fmt::Display>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, E>) -> Option<Vec<T>> {
        let Some(Value::Texts(texts)) = &self.values[self.index(name)] else { return None };
        match texts.iter().map(|text| parse(text)).collect() {
            Ok(values) => return Some(values),
            Err(_) if self.has_error(name) => {}
            Err(error) => self.errors.push(field_error(name, "invalid", error.to_string())),
        }
        None
    }

    /// Whether an optional field is there.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.values[self.index(name)].is_some()
    }

    fn is_within_what_is_there(&self, name: &str) -> bool {
        name.rsplit_once('/').is_none_or(|(object, _)| self.has(object))
    }

    /// An optional truth value.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.values[self.index(name)], Some(Value::Flag(true)))
    }

    /// An optional field that is missed all the same, for what another one says.
    pub fn demand(&mut self, name: &str, detail: &str) {
        if self.values[self.index(name)].is_none() {
            self.errors.push(field_error(name, "missing", detail));
        }
    }

    /// A field that does not go with another one.
    pub fn refuse(&mut self, name: &str, detail: &str) {
        self.errors.push(field_error(name, "invalid", detail));
    }

    /// An optional whole number.
    #[must_use]
    pub fn count(&self, name: &str) -> Option<i64> {
        if let Some(Value::Count(count)) = self.values[self.index(name)] { Some(count) } else { None }
    }

    /// The request, when nothing is wrong with it.
    ///
    /// # Errors
    /// A `422` problem that names all that is wrong.
    pub fn finish<T>(self, request: Option<T>) -> Result<T, Problem> {
        if self.errors.is_empty() {
            return Ok(request.expect("whatever is missing has left an error"));
        }
        let has_card = self.errors.iter().any(|error| error.code == "card_data_refused");
        let code = if has_card { Code::CardDataRefused } else { Code::ValidationFailed };
        Err(Problem::with_errors(code, self.errors))
    }

    fn index(&self, name: &str) -> usize {
        self.known.iter().position(|field| field.name == name).expect("only fields of the table are asked for")
    }

    fn has_error(&self, name: &str) -> bool {
        self.errors.iter().any(|error| error.pointer.strip_prefix('/') == Some(name))
    }

    fn check_texts(&mut self) {
        for (field, value) in self.known.iter().zip(&self.values) {
            let texts = match value {
                Some(Value::Text(text)) => std::slice::from_ref(text),
                Some(Value::Texts(texts)) => texts,
                _ => continue,
            };
            if texts.iter().any(|text| text.chars().any(char::is_control)) {
                self.errors.push(field_error(field.name, "control_characters", "expected no control characters"));
            } else if field.card_checked && texts.iter().any(|text| contains_card_number(text)) {
                self.errors.push(field_error(field.name, "card_data_refused", "looks like a card number"));
            }
        }
    }
}

/// An error of a field of the table, by its RFC 6901 pointer.
fn field_error(name: &str, code: &'static str, detail: impl Into<String>) -> FieldError {
    FieldError { pointer: format!("/{name}"), code, detail: detail.into() }
}

/// The pointer to a member that somebody named.
pub(super) fn pointer_to(name: &str) -> String {
    // A name that may be card data is not repeated; the whole is pointed at.
    if contains_card_number(name) {
        return String::new();
    }
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// A request whose body is an object of known fields.
pub trait Readable: Sized {
    const FIELDS: &'static [Field];

    /// # Errors
    /// A `422` problem.
    fn read(fields: Fields<'_>, state: &ApiState) -> Result<Self, Problem>;
}

/// Extracts a [`Readable`] from `application/json`.
pub struct JsonBody<T>(pub T);

impl<T: Readable> FromRequest<ApiState> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Problem> {
        if !has_media_type(&request, "application/json") {
            return Err(Problem::new(Code::UnsupportedMediaType));
        }
        let bytes = read_body(request, state).await?;
        T::read(Fields::read(&bytes, T::FIELDS)?, state).map(Self)
    }
}

/// The whole body, at most as large as the router permits.
pub(super) async fn read_body(request: Request, state: &ApiState) -> Result<Bytes, Problem> {
    match tokio::time::timeout(BODY_ARRIVES_WITHIN, Bytes::from_request(request, state)).await {
        Ok(read) => read.map_err(|rejection| Problem::of_status(rejection.status())),
        Err(_) => Err(Problem::new(Code::InvalidRequest).detail("the body did not arrive in time")),
    }
}

/// The whole body of a call that takes more than others, at most `max_bytes`.
pub(super) async fn read_large_body(request: Request, max_bytes: usize) -> Result<Bytes, Problem> {
    let read = axum::body::to_bytes(request.into_body(), max_bytes);
    match tokio::time::timeout(LARGE_BODY_ARRIVES_WITHIN, read).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => {
            let too_long = std::error::Error::source(&error)
                .is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>);
            let code = if too_long { Code::PayloadTooLarge } else { Code::InvalidRequest };
            Err(Problem::new(code).detail(if too_long {
                "the body is larger than 16 MiB"
            } else {
                "the body did not arrive"
            }))
        }
        Err(_) => Err(Problem::new(Code::InvalidRequest).detail("the body did not arrive in time")),
    }
}

pub(super) fn has_media_type(request: &Request, expected: &str) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|text| text.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(expected))
}

/// The schema of a request's body, from the same table that reads it.
#[must_use]
pub fn schema(fields: &[Field], description: &str) -> Object {
    object_schema(fields, "", description)
}

/// The schema of the object whose fields' names begin with `prefix`.
fn object_schema(fields: &[Field], prefix: &str, description: &str) -> Object {
    let mut object = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(description))
        .additional_properties(Some(AdditionalProperties::<utoipa::openapi::schema::Schema>::FreeForm(false)));
    for field in fields {
        let Some(name) = field.name.strip_prefix(prefix).filter(|name| !name.contains('/')) else { continue };
        let property = ObjectBuilder::new().description(Some(field.meaning));
        let property = match field.kind {
            Kind::Object => {
                object = object.property(name, object_schema(fields, &format!("{}/", field.name), field.meaning));
                continue;
            }
            Kind::Texts { values } => {
                let element = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values()));
                let list = ArrayBuilder::new().items(element).description(Some(field.meaning));
                object = object.property(name, list.examples([serde_json::json!([field.example])]));
                continue;
            }
            Kind::Count => property.schema_type(Type::Integer).minimum(Some(0)),
            Kind::Flag => property.schema_type(Type::Boolean).default(Some(false.into())),
            Kind::Text { pattern, values, max_length } => {
                let property = property.schema_type(Type::String).examples([field.example]).pattern(pattern);
                match values() {
                    values if values.is_empty() => property.min_length(Some(1)).max_length(Some(max_length)),
                    values => property.enum_values(Some(values)),
                }
            }
        };
        object = object.property(name, property);
        if field.required {
            object = object.required(name);
        }
    }
    object.build()
}
