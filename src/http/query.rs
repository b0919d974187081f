//! Reads `application/x-www-form-urlencoded` texts: queries, and the form of the token call.

use std::fmt;

use axum::http::{HeaderName, Uri, header};
use axum::response::AppendHeaders;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use utoipa::IntoParams;

use super::body::pointer_to;
use super::problem::{Code, FieldError, Problem};
use crate::domain::text::contains_card_number;

/// RFC 3986 §2.3: what needs no escape anywhere in a URI.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Names and values in their order; `None` when an escape does not make UTF-8.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<(String, String)>> {
    let decode = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
    };
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(n, v)| Some((decode(n)?, decode(v)?))).collect()
}

/// The parameters of a list that has no filters, as they are documented.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the parameters; they are read by name, so that unknown ones are noticed")]
pub struct PageParameters {
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of an earlier page.
    cursor: Option<String>,
}

/// The parameters of a query. Each is known and appears once.
pub struct Query {
    parameters: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

impl Query {
    /// # Errors
    /// A `400` problem.
    pub fn read(uri: &Uri, known: &[&str]) -> Result<Self, Problem> {
        let parameters = decode(uri.query().unwrap_or_default())
            .ok_or_else(|| Problem::new(Code::InvalidQuery).detail("the query is not percent-encoded UTF-8"))?;
        let mut errors = Vec::new();
        for (index, (name, value)) in parameters.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                errors.push(error(name, "unknown", "no such parameter is known"));
            } else if parameters[..index].iter().any(|(earlier, _)| earlier == name) {
                errors.push(error(name, "duplicate", "appears more than once"));
            } else if value.chars().any(char::is_control) {
                errors.push(error(name, "control_characters", "expected no control characters"));
            } else if name != "msisdn" && contains_card_number(value) {
                errors.push(error(name, "card_data_refused", "looks like a card number"));
            }
        }
        if errors.is_empty() { Ok(Self { parameters, errors }) } else { Err(refused(errors)) }
    }

    /// The [`PageParameters`]: the query, the place that its cursor means, and how many items the page has.
    ///
    /// # Errors
    /// A `400` problem.
    pub fn page<T, E: fmt::Display>(
        uri: &Uri,
        place: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<(Self, Option<T>, u32), Problem> {
        let mut query = Self::read(uri, &["limit", "cursor"])?;
        let (place, limit) = (query.get("cursor", place), query.limit());
        query.finish()?;
        Ok((query, place, limit))
    }

    /// A parameter, parsed; an error is kept for [`Self::finish`].
    pub fn get<T, E: fmt::Display>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let (_, value) = self.parameters.iter().find(|(known, _)| known == name)?;
        match parse(value) {
            Ok(value) => Some(value),
            Err(expected) => {
                self.errors.push(error(name, "invalid", expected));
                None
            }
        }
    }

    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.parameters.iter().any(|(known, _)| known == name)
    }

    pub fn refuse(&mut self, name: &str, code: &'static str, expected: &str) {
        self.errors.push(error(name, code, expected));
    }

    /// How many items a page has: 1 to 200, 50 by default.
    pub fn limit(&mut self) -> u32 {
        let parse = |text: &str| match text.parse() {
            Ok(limit @ 1..=200) if !text.starts_with('+') => Ok(limit),
            Ok(_) | Err(_) => Err("expected a whole number from 1 to 200"),
        };
        self.get("limit", parse).unwrap_or(50)
    }

    /// # Errors
    /// A `400` problem that names all that is wrong.
    pub fn finish(&mut self) -> Result<(), Problem> {
        if self.errors.is_empty() { Ok(()) } else { Err(refused(std::mem::take(&mut self.errors))) }
    }

    /// The headers of a page: the `Link` to the next one, when there is one.
    pub fn page_headers(&self, path: &str, next_cursor: Option<&str>) -> AppendHeaders<Option<(HeaderName, String)>> {
        AppendHeaders(next_cursor.map(|next| (header::LINK, self.link_to_next(path, next))))
    }

    /// The `Link` to the next page (RFC 8288 §3): the same query with another cursor.
    fn link_to_next(&self, path: &str, cursor: &str) -> String {
        let escape = |text: &str| utf8_percent_encode(text, ESCAPED).to_string();
        let kept = self.parameters.iter().filter(|(name, _)| name != "cursor");
        let mut link = format!("<{path}?");
        for (name, value) in kept {
            link.extend([&escape(name), "=", &escape(value), "&"]);
        }
        link + "cursor=" + &escape(cursor) + ">; rel=\"next\""
    }
}

fn error(name: &str, code: &'static str, detail: impl fmt::Display) -> FieldError {
    FieldError { pointer: pointer_to(name), code, detail: detail.to_string() }
}

fn refused(errors: Vec<FieldError>) -> Problem {
    Problem::with_errors(Code::InvalidQuery, errors)
}

/// A place in a list as clients carry it: opaque to them.
#[must_use]
pub fn cursor(kind: u8, place: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode([&[kind], place].concat())
}

/// # Errors
/// When it is none of ours.
pub fn parse_cursor(text: &str) -> Result<(u8, Vec<u8>), &'static str> {
    const EXPECTED: &str = "expected a cursor of an earlier page";
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| EXPECTED)?;
    let (&kind, place) = bytes.split_first().ok_or(EXPECTED)?;
    Ok((kind, place.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_forms() {
        let pairs = decode("a=1&b=x+y%2Bz&&c&d=%D9%A3").unwrap();
        let expected = [("a", "1"), ("b", "x y+z"), ("c", ""), ("d", "٣")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(decode("a=%FF"), None);
    }

    #[test]
    fn the_next_page_keeps_the_filters() {
        let uri = "/v1/recharges?status=completed&external_id=a%26b&cursor=old".parse().unwrap();
        let query = Query::read(&uri, &["status", "external_id", "cursor"]).ok().unwrap();
        let link = query.link_to_next("/v1/recharges", "new");
        assert_eq!(link, "</v1/recharges?status=completed&external_id=a%26b&cursor=new>; rel=\"next\"");
    }

    #[test]
    fn limits_are_bounded() {
        for (text, good) in
            [("1", true), ("200", true), ("0", false), ("201", false), ("+5", false), ("x", false), ("", false)]
        {
            let uri = format!("/?limit={text}").parse().unwrap();
            let mut query = Query::read(&uri, &["limit"]).ok().unwrap();
            query.limit();
            assert_eq!(query.finish().is_ok(), good, "{text}");
        }
    }
}
