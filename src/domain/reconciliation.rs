//! Reconciliation: what the books of an acquirer and ours do not have in common, and what becomes of it
//! (`domain.md` \[13\]). An item is a line of a settlement file that did not match, or a top-up that no line settled.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::encoding::Encoder;
use super::ids::{OperationId, SettlementId};
use super::record::{RecordKey, RecordKind};
use super::settlement::{SettledKind, SettledLine};
use super::time::BusinessDay;

const PREFIX: &str = "itm_";
const EXPECTED: &str = "expected an id of an item, as lists give it";

/// What an item is, and so what names it. Its text is part of statements: see `settlement_items.sql`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemId {
    /// A line of a file that we do not have like this.
    Line { file: SettlementId, number: i64 },
    /// A paid top-up that no line has settled, or a completed recharge that no record has.
    Topup(OperationId),
}

impl ItemId {
    /// The record of the item, which begins when somebody looks after it.
    ///
    /// # Panics
    /// Never: an id is short and plain.
    #[must_use]
    pub fn key(self) -> RecordKey {
        let id = self.to_string().parse().expect("an id is short and plain");
        RecordKey::of_operator(RecordKind::ReconciliationItem, id)
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, number } => write!(f, "{PREFIX}{}-{number}", file.uuid().simple()),
            Self::Topup(operation) => write!(f, "{PREFIX}{}", operation.uuid().simple()),
        }
    }
}

impl FromStr for ItemId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix(PREFIX).ok_or(EXPECTED)?;
        let (id, number) = rest.split_once('-').map_or((rest, None), |(id, number)| (id, Some(number)));
        let uuid = Uuid::try_parse(id).map_err(|_| EXPECTED)?;
        let item = match number {
            None => Self::Topup(OperationId::from_uuid(uuid)),
            Some(number) => {
                let number = number.parse().map_err(|_| EXPECTED)?;
                Self::Line { file: SettlementId::from_uuid(uuid), number }
            }
        };
        // One item has one text.
        if item.to_string() == text { Ok(item) } else { Err(EXPECTED) }
    }
}

/// An item with what is needed to resolve it. None of it ever changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub id: ItemId,
    pub acquirer: Box<str>,
    pub kind: SettledKind,
    /// Of a line: what was posted to suspense because of it, with its sign. Of a top-up: what was taken for it.
    pub amount_minor: i64,
    /// When it was settled there, or taken here.
    pub since: BusinessDay,
}

impl Item {
    /// The item of a line that did not match.
    #[must_use]
    pub fn of_line(file: SettlementId, acquirer: &str, line: &SettledLine) -> Self {
        Self {
            id: ItemId::Line { file, number: line.number },
            acquirer: acquirer.into(),
            kind: line.kind,
            amount_minor: match (line.posted, line.kind.is_money()) {
                (false, _) => 0,
                (true, true) => line.gross_minor,
                (true, false) => -line.net_minor(),
            },
            since: line.settled_on,
        }
    }
}

/// What becomes of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Nobody looks for it any longer.
    WriteOff,
    /// The line is about this top-up.
    Match { topup: OperationId },
    /// The other side corrects it by a line to come; nothing is posted.
    PeerCorrects,
}

impl Resolution {
    pub const NAMES: [&'static str; 3] = ["write_off", "match", "peer_corrects"];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WriteOff => Self::NAMES[0],
            Self::Match { .. } => Self::NAMES[1],
            Self::PeerCorrects => Self::NAMES[2],
        }
    }

    /// `topup` is that of a match, and of nothing else.
    #[must_use]
    pub fn from_parts(name: &str, topup: Option<OperationId>) -> Option<Self> {
        match (name, topup) {
            ("write_off", None) => Some(Self::WriteOff),
            ("match", Some(topup)) => Some(Self::Match { topup }),
            ("peer_corrects", None) => Some(Self::PeerCorrects),
            _ => None,
        }
    }

    /// The top-up that it names.
    #[must_use]
    pub fn named(self) -> Option<OperationId> {
        if let Self::Match { topup } = self { Some(topup) } else { None }
    }
}

/// What is proposed to become of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemResolution {
    pub item: Item,
    pub resolution: Resolution,
}

impl ItemResolution {
    /// The top-up whose books it touches.
    #[must_use]
    pub fn topup(&self) -> Option<OperationId> {
        match (self.resolution, self.item.id) {
            (Resolution::Match { topup }, _) | (Resolution::WriteOff, ItemId::Topup(topup)) => Some(topup),
            _ => None,
        }
    }

    /// The top-up whose payment it settles: nothing else may.
    #[must_use]
    pub fn pays(&self) -> Option<OperationId> {
        self.topup().filter(|_| self.item.kind == SettledKind::Payment)
    }

    pub(super) fn differs_from(&self, other: &Self) -> Option<&'static str> {
        if self.item != other.item {
            Some("item_id")
        } else if self.resolution.name() != other.resolution.name() {
            Some("resolution")
        } else if self.resolution != other.resolution {
            Some("topup_id")
        } else {
            None
        }
    }

    pub(super) fn encode<'a>(&self, encoder: &'a mut Encoder) -> &'a mut Encoder {
        let Item { id, acquirer, kind, amount_minor, since } = &self.item;
        encoder.text(&id.to_string()).text(acquirer).text(kind.name()).int(*amount_minor).int(since.0.into());
        encoder.text(self.resolution.name()).optional(self.resolution.named(), |e, topup| {
            e.bytes(topup.uuid().as_bytes());
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_has_one_text() {
        let uuid = Uuid::parse_str("01939f3e-7c00-7000-8000-00000000000a").unwrap();
        let line = ItemId::Line { file: SettlementId::from_uuid(uuid), number: 17 };
        let topup = ItemId::Topup(OperationId::from_uuid(uuid));
        assert_eq!(line.to_string(), "itm_01939f3e7c0070008000".to_owned() + "00000000000a-17");
        for item in [line, topup] {
            assert_eq!(item.to_string().parse(), Ok(item));
        }
        for text in [
            "itm_",
            "01939f3e7c007000800000000000000a",
            "itm_01939f3e-7c00-7000-8000-00000000000a",
            "itm_01939F3E7C007000800000000000000A",
            "itm_01939f3e7c007000800000000000000a-",
            "itm_01939f3e7c007000800000000000000a-017",
            "itm_01939f3e7c007000800000000000000a-+17",
        ] {
            assert_eq!(text.parse::<ItemId>(), Err(EXPECTED), "{text}");
        }
    }

    #[test]
    fn resolutions_read_back() {
        let topup = OperationId::from_uuid(Uuid::nil());
        for resolution in [Resolution::WriteOff, Resolution::Match { topup }, Resolution::PeerCorrects] {
            assert_eq!(Resolution::from_parts(resolution.name(), resolution.named()), Some(resolution));
        }
        assert_eq!(Resolution::from_parts("match", None), None);
        assert_eq!(Resolution::from_parts("write_off", Some(topup)), None);
    }
}
