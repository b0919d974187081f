//! When a line of the catalogue holds.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::Timestamp;

/// From a moment on, until another or for good. Written as RFC 3339 times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period {
    pub from: Timestamp,
    /// Exclusive.
    pub until: Option<Timestamp>,
}

impl Period {
    /// From the beginning of time, for good.
    pub const ALWAYS: Self = Self { from: Timestamp::EPOCH, until: None };

    #[must_use]
    pub fn covers(&self, at: Timestamp) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }

    /// Whether it holds at any moment from `at` on.
    #[must_use]
    pub fn reaches(&self, at: Timestamp) -> bool {
        self.until.is_none_or(|until| until > at && until > self.from)
    }

    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let begins = self.from.max(other.from);
        self.reaches(begins) && other.reaches(begins)
    }

    /// What is left of it from `at` on.
    #[must_use]
    pub fn beginning(self, at: Timestamp) -> Self {
        Self { from: self.from.max(at), ..self }
    }

    /// What of it is over by `at`: empty when it had not begun.
    #[must_use]
    pub fn ending(self, at: Timestamp) -> Self {
        let until = self.until.map_or(at, |until| until.min(at)).max(self.from);
        Self { until: Some(until), ..self }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    from: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let texts = Texts { from: self.from.to_string(), until: self.until.map(|until| until.to_string()) };
        texts.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Texts::deserialize(deserializer)?;
        let parse = |text: String| Timestamp::parse(&text).map_err(serde::de::Error::custom);
        Ok(Self { from: parse(texts.from)?, until: texts.until.map(parse).transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(from: i64, until: Option<i64>) -> Period {
        Period { from: Timestamp::from_unix_ms(from), until: until.map(Timestamp::from_unix_ms) }
    }

    #[test]
    fn a_period_covers_its_beginning_and_not_its_end() {
        let at = Timestamp::from_unix_ms;
        let march = period(3, Some(4));
        assert!(!march.covers(at(2)) && march.covers(at(3)) && !march.covers(at(4)));
        assert!(!march.overlaps(&period(4, None)) && march.overlaps(&period(1, None)));
        assert!(!march.overlaps(&period(0, Some(3))));
        assert_eq!(period(1, None).ending(at(5)), period(1, Some(5)));
        assert!(!period(7, None).ending(at(5)).reaches(at(0)), "what had not begun never holds");
        assert!(!period(7, Some(7)).overlaps(&Period::ALWAYS));
        let text = serde_json::to_string(&march).unwrap();
        assert_eq!(text, r#"{"from":"1970-01-01T00:00:00.003Z","until":"1970-01-01T00:00:00.004Z"}"#);
        assert_eq!(serde_json::from_str::<Period>(&text).unwrap(), march);
    }
}
