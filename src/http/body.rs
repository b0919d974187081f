//! Reads a JSON object of known fields and says all that is wrong with it at once.
//!
//! What is not the expected JSON at all (malformed, an unknown field, a wrong type) is `400`; what is
//! missing or has a bad value is `422`. One table of fields per request serves the reader and the schema.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use utoipa::openapi::schema::{AdditionalProperties, Object, ObjectBuilder, Type};

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
            Kind::Flag => Kind::Flag,
            Kind::Count => Kind::Count,
        };
        Self { kind, ..self }
    }
}

/// What a field came with.
#[derive(Debug)]
enum Value<'a> {
    Text(Cow<'a, str>),
    Flag(bool),
    Count(i64),
    /// Of a JSON type that no field has.
    Other,
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
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let object = ObjectVisitor { known };
        let read = deserializer.deserialize_any(object).and_then(|read| deserializer.end().map(|()| read));
        // The library's text may repeat what was sent: only the place is told.
        let (values, mut unexpected) = read.map_err(|error| {
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
            None if self.known[index].required => {
                self.errors.push(field_error(name, "missing", "this field is required"));
            }
            Some(Value::Flag(_) | Value::Count(_) | Value::Other) | None => {}
        }
        None
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
            let Some(Value::Text(text)) = value else { continue };
            if text.chars().any(char::is_control) {
                self.errors.push(field_error(field.name, "control_characters", "expected no control characters"));
            } else if field.card_checked && contains_card_number(text) {
                self.errors.push(field_error(field.name, "card_data_refused", "looks like a card number"));
            }
        }
    }
}

fn field_error(name: &str, code: &'static str, detail: impl Into<String>) -> FieldError {
    FieldError { pointer: pointer_to(name), code, detail: detail.into() }
}

/// RFC 6901 §3.
pub(super) fn pointer_to(name: &str) -> String {
    // A name that may be card data is not repeated; the whole is pointed at.
    if contains_card_number(name) {
        return String::new();
    }
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Reads the fields of an object in one pass; what is not expected is collected, the rest still parsed.
struct ObjectVisitor {
    known: &'static [Field],
}

type Read<'a> = (Vec<Option<Value<'a>>>, Vec<FieldError>);

fn not_an_object<'a>() -> Read<'a> {
    let detail = "expected a JSON object".into();
    (Vec::new(), vec![FieldError { pointer: String::new(), code: "wrong_type", detail }])
}

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Read<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values: Vec<Option<Value<'de>>> = self.known.iter().map(|_| None).collect();
        let mut errors = Vec::new();
        while let Some(Text(name)) = map.next_key()? {
            let value = map.next_value::<Value<'de>>()?;
            let known = self.known.iter().position(|field| field.name == name);
            let Some(index) = known else {
                errors.push(field_error(&name, "unknown", "no such field is known"));
                continue;
            };
            let error = match (self.known[index].kind, &value) {
                _ if values[index].is_some() => Some(("duplicate", "appears more than once")),
                (Kind::Text { .. }, Value::Text(_)) | (Kind::Flag, Value::Flag(_)) | (Kind::Count, Value::Count(_)) => {
                    None
                }
                (Kind::Count, _) => Some(("wrong_type", "expected a whole number from zero on")),
                (Kind::Text { .. }, _) => Some(("wrong_type", "expected a JSON string")),
                (Kind::Flag, _) => Some(("wrong_type", "expected true or false")),
            };
            if let Some((code, detail)) = error {
                errors.push(field_error(&name, code, detail));
            }
            values[index] = Some(value);
        }
        Ok((values, errors))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(not_an_object())
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(not_an_object())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(not_an_object())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(not_an_object())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(not_an_object())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(not_an_object())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(not_an_object())
    }
}

impl<'de> serde::Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Value::Flag(flag))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).map_or(Value::Other, Value::Count))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }
}

/// A key, borrowed where it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
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
    let mut object = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(description))
        .additional_properties(Some(AdditionalProperties::<utoipa::openapi::schema::Schema>::FreeForm(false)));
    for field in fields {
        let property = ObjectBuilder::new().description(Some(field.meaning));
        let property = match field.kind {
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
        object = object.property(field.name, property);
        if field.required {
            object = object.required(field.name);
        }
    }
    object.build()
}
