//! Typed ids: UUIDv7 (RFC 9562 §5.7) whose last byte carries the shard, printed with a prefix per kind.
//!
//! Nothing here draws random bytes: they are arguments.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::shard::Shard;
use super::time::Timestamp;

/// A UUIDv7 of `at`; `random` fills what is left and the last byte is the shard.
#[must_use]
pub fn uuid_v7(at: Timestamp, random: [u8; 10], shard: Shard) -> Uuid {
    let unix_ms = u64::try_from(at.unix_ms()).expect("times begin at 1970");
    let mut bytes = *uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid().as_bytes();
    bytes[15] = shard.number();
    Uuid::from_bytes(bytes)
}

/// Parses the usual 36-character form only, in lower case: one id has one text.
fn parse_hyphenated(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    let mut buffer = Uuid::encode_buffer();
    (id.hyphenated().encode_lower(&mut buffer) == text).then_some(id)
}

macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", Self::PREFIX, self.0.hyphenated())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                const EXPECTED: &str = concat!("expected an id such as ", $prefix, "01939f3e-7c00-7000-8000-000000000000");
                text.strip_prefix($prefix).and_then(parse_hyphenated).map(Self).ok_or(EXPECTED)
            }
        }
    };
}

typed_id!(
    /// A reseller of the network.
    ResellerId,
    "rsl_"
);
typed_id!(
    /// An organisation that calls the API.
    PartnerId,
    "prt_"
);
typed_id!(
    /// One set of API credentials of a partner.
    ClientId,
    "cli_"
);

typed_id!(
    /// A settlement file.
    SettlementId,
    "stl_"
);

typed_id!(
    /// An endpoint of a partner that events are sent to.
    WebhookId,
    "whe_"
);

impl ResellerId {
    /// The operator itself, where an operation has no reseller: issues and allocations.
    pub const OPERATOR: Self = Self(Uuid::nil());
}

impl ClientId {
    /// Whoever sits at the command line, who is no client of the API.
    pub const COMMAND_LINE: Self = Self(Uuid::nil());
}

impl PartnerId {
    /// The operator itself, for what its own staff and tools cause.
    pub const OPERATOR: Self = Self(Uuid::nil());
}

/// One business request. Its prefix depends on its kind: [`super::OperationKind::prefix`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(Uuid);

impl OperationId {
    #[must_use]
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    #[must_use]
    pub fn uuid(self) -> Uuid {
        self.0
    }

    /// The shard that holds the operation's row: an id alone finds it.
    #[must_use]
    pub fn shard(self) -> Shard {
        Shard::new(self.0.as_bytes()[15])
    }

    /// Parses `prefix` and the usual form of a UUID.
    #[must_use]
    pub fn parse(text: &str, prefix: &str) -> Option<Self> {
        text.strip_prefix(prefix).and_then(parse_hyphenated).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_carries_its_time_and_shard() {
        let at = Timestamp::from_unix_ms(1_795_334_400_007);
        let uuid = uuid_v7(at, [0xff; 10], Shard::new(7));
        assert_eq!(uuid.get_version_num(), 7);
        assert_eq!(OperationId::from_uuid(uuid).shard(), Shard::new(7));
        let (seconds, nanos) = uuid.get_timestamp().unwrap().to_unix();
        assert_eq!(seconds * 1_000 + u64::from(nanos) / 1_000_000, 1_795_334_400_007);
    }

    #[test]
    fn one_id_has_one_text() {
        let text = "rsl_01939f3e-7c00-7000-8000-00000000000a";
        let id: ResellerId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        for bad in [
            "rsl_01939F3E-7C00-7000-8000-00000000000A",
            "rsl_01939f3e7c00700080000000000000a",
            "rch_01939f3e-7c00-7000-8000-00000000000a",
            "01939f3e-7c00-7000-8000-00000000000a",
            "rsl_",
            "",
        ] {
            assert!(bad.parse::<ResellerId>().is_err(), "{bad}");
        }
    }
}
