//! Names of requests: `X-Request-Id` and W3C Trace Context, in and out.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::domain::text::contains_card_number;
use crate::ports::Randomness;

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Makes numbers that differ from each other and from those of other nodes. They are names, not secrets:
/// asking the system for random bytes on every request would buy nothing.
pub struct TraceIds {
    seed: [u64; 2],
    counter: AtomicU64,
}

/// The names of one request.
#[derive(Clone, Debug)]
pub struct RequestNames {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// As the client chose it, or the trace id.
    pub request_id: HeaderValue,
    pub traceparent: HeaderValue,
}

/// What the answer will name the request by, for handlers.
#[derive(Clone, Debug)]
pub struct RequestName(pub HeaderValue);

impl TraceIds {
    #[must_use]
    pub fn new(randomness: &dyn Randomness) -> Self {
        let mut seed = [0; 16];
        randomness.fill(&mut seed);
        let (high, low) = seed.split_at(8);
        let number = |bytes: &[u8]| u64::from_ne_bytes(bytes.try_into().expect("half of 16 bytes"));
        Self { seed: [number(high), number(low)], counter: AtomicU64::new(1) }
    }

    /// Takes over what the client sent where it is well-formed, and makes the rest.
    #[must_use]
    pub fn names(&self, headers: &HeaderMap) -> RequestNames {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        let span_id = mix(self.seed[0] ^ count).max(1);
        let parent = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()).and_then(parse_traceparent);
        let (trace_id, flags) = match parent {
            Some((trace_id, flags)) => (trace_id.to_owned(), flags),
            None => (format!("{:016x}{:016x}", mix(self.seed[1] ^ count).max(1), self.seed[0] ^ count), "00"),
        };
        let traceparent = format!("00-{trace_id}-{span_id:016x}-{flags}");
        let given = headers.get(REQUEST_ID).filter(|value| is_request_id(value)).cloned();
        let ascii = |text: &str| HeaderValue::from_str(text).expect("hexadecimal digits are ASCII");
        RequestNames {
            request_id: given.unwrap_or_else(|| ascii(&trace_id)),
            traceparent: ascii(&traceparent),
            trace_id,
        }
    }
}

/// The finaliser of `SplitMix64`: neighbours in, unrelated numbers out.
fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Trace id and flags of a `traceparent` (W3C Trace Context §3.2.2); later versions may append fields.
fn parse_traceparent(text: &str) -> Option<(&str, &'static str)> {
    let mut parts = text.split('-');
    let (version, trace_id, parent_id, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_name = |part: &str, length| is_hex(part, length) && part.bytes().any(|byte| byte != b'0');
    let known = is_hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
    if !known || !is_name(trace_id, 32) || !is_name(parent_id, 16) || !is_hex(flags, 2) {
        return None;
    }
    let sampled = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
    Some((trace_id, if sampled { "01" } else { "00" }))
}

/// 1 to 128 letters, digits and `-._:/+=`: what logs can hold as it is. Never a card number.
fn is_request_id(value: &HeaderValue) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:/+=".contains(byte);
    let bytes = value.as_bytes();
    (1..=128).contains(&bytes.len())
        && bytes.iter().all(allowed)
        && value.to_str().is_ok_and(|text| !contains_card_number(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sevens;

    impl Randomness for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    fn names(headers: &[(HeaderName, &str)]) -> RequestNames {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()));
        TraceIds::new(&Sevens).names(&headers.collect())
    }

    #[test]
    fn a_trace_goes_on() {
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let names = names(&[(TRACEPARENT, given)]);
        assert_eq!(names.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
        let out = names.traceparent.to_str().unwrap();
        assert!(out.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && out.ends_with("-01"), "{out}");
        assert_ne!(out, given, "the span is ours");
    }

    #[test]
    fn a_malformed_trace_is_replaced() {
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            let names = names(&[(TRACEPARENT, bad)]);
            assert_ne!(names.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736", "{bad}");
            assert_eq!(names.trace_id.len(), 32);
        }
    }

    #[test]
    fn a_request_id_is_echoed_when_it_is_harmless() {
        assert_eq!(names(&[(REQUEST_ID, "atm7:000123")]).request_id, "atm7:000123");
        for bad in ["", "two words", "a\"b", &"x".repeat(129), "4242424242424242"] {
            let names = names(&[(REQUEST_ID, bad)]);
            assert_eq!(names.request_id, names.trace_id.as_str(), "{bad}");
        }
    }

    #[test]
    fn no_two_are_alike() {
        let ids = TraceIds::new(&Sevens);
        let mut seen: Vec<_> = (0..1_000).map(|_| ids.names(&HeaderMap::new()).trace_id).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 1_000);
    }
}
