//! The JSON of a body, in one pass: what is not expected is collected, the rest still parsed.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::super::problem::FieldError;
use super::{Field, Kind, field_error, pointer_to};

/// What a field came with.
#[derive(Debug)]
pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    Flag(bool),
    Count(i64),
    Texts(Vec<Cow<'a, str>>),
    /// Its members are fields of their own.
    Object,
    /// Of a JSON type that no field has.
    Other,
}

/// The values of the table's fields, and what is wrong with the JSON types.
pub(super) type Read<'a> = (Vec<Option<Value<'a>>>, Vec<FieldError>);

/// # Errors
/// When it is not JSON.
pub(super) fn read<'a>(json: &'a [u8], known: &'static [Field]) -> serde_json::Result<Read<'a>> {
    let mut reading = Reading { known, values: known.iter().map(|_| None).collect(), errors: Vec::new() };
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    ObjectSeed { reading: &mut reading, path: "" }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok((reading.values, reading.errors))
}

struct Reading<'a> {
    known: &'static [Field],
    values: Vec<Option<Value<'a>>>,
    errors: Vec<FieldError>,
}

/// Reads an object: the body itself, whose path is empty, or a field of it.
struct ObjectSeed<'r, 'a> {
    reading: &'r mut Reading<'a>,
    path: &'static str,
}

impl ObjectSeed<'_, '_> {
    fn not_an_object(self) {
        let pointer = if self.path.is_empty() { String::new() } else { format!("/{}", self.path) };
        let detail = "expected a JSON object".into();
        self.reading.errors.push(FieldError { pointer, code: "wrong_type", detail });
    }

    /// The place of a member in the table.
    fn known(&self, member: &str) -> Option<usize> {
        let within = |field: &Field| match self.path {
            "" => field.name == member,
            path => field.name.strip_prefix(path).and_then(|rest| rest.strip_prefix('/')) == Some(member),
        };
        // A name with a slash is nobody's: in the table it stands for a member of an object.
        self.reading.known.iter().position(within).filter(|_| !member.contains('/'))
    }

    fn unknown(&mut self, member: &str) {
        let (member, detail) = (pointer_to(member), "no such field is known".into());
        let pointer = match self.path {
            path if path.is_empty() || member.is_empty() => member,
            path => format!("/{path}{member}"),
        };
        self.reading.errors.push(FieldError { pointer, code: "unknown", detail });
    }
}

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(member)) = map.next_key()? {
            let Some(index) = self.known(&member) else {
                map.next_value::<IgnoredAny>()?;
                self.unknown(&member);
                continue;
            };
            let Field { name, kind, .. } = self.reading.known[index];
            let value = if matches!(kind, Kind::Object) {
                map.next_value_seed(ObjectSeed { reading: &mut *self.reading, path: name })?;
                Value::Object
            } else {
                map.next_value()?
            };
            let error = match (kind, &value) {
                _ if self.reading.values[index].is_some() => Some(("duplicate", "appears more than once")),
                (Kind::Text { .. }, Value::Text(_))
                | (Kind::Flag, Value::Flag(_))
                | (Kind::Count, Value::Count(_))
                | (Kind::Texts { .. }, Value::Texts(_))
                | (Kind::Object, _) => None,
                (Kind::Count, _) => Some(("wrong_type", "expected a whole number from zero on")),
                (Kind::Text { .. }, _) => Some(("wrong_type", "expected a JSON string")),
                (Kind::Texts { .. }, _) => Some(("wrong_type", "expected an array of strings")),
                (Kind::Flag, _) => Some(("wrong_type", "expected true or false")),
            };
            self.reading.errors.extend(error.map(|(code, detail)| field_error(name, code, detail)));
            self.reading.values[index] = Some(value);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        self.not_an_object();
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.not_an_object();
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.not_an_object();
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.not_an_object();
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.not_an_object();
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.not_an_object();
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.not_an_object();
        Ok(())
    }
}

impl<'de> serde::Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor { reads_lists: true })
    }
}

/// What a list holds: a list within it is none of ours, and is passed without going deeper.
struct Element<'a>(Value<'a>);

impl<'de> serde::Deserialize<'de> for Element<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor { reads_lists: false }).map(Self)
    }
}

struct ValueVisitor {
    reads_lists: bool,
}

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
        if !self.reads_lists {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Value::Other);
        }
        let (mut texts, mut others) = (Vec::new(), false);
        while let Some(Element(element)) = seq.next_element()? {
            match element {
                Value::Text(text) => texts.push(text),
                _ => others = true,
            }
        }
        Ok(if others { Value::Other } else { Value::Texts(texts) })
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
