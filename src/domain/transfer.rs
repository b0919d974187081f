//! Transfers: stock that moves between resellers along the edges of the network that the operator permits.

use std::fmt;
use std::str::FromStr;

use super::encoding::Encoder;
use super::ids::ResellerId;
use super::time::Timestamp;

/// Which of the two movements of stock it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransferKind {
    /// Stock is handed on.
    Transfer,
    /// Stock goes back to where it may have come from.
    Return,
}

impl TransferKind {
    pub const ALL: [Self; 2] = [Self::Transfer, Self::Return];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::Return => "return",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What a transfer was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    pub kind: TransferKind,
    /// `None` is the operator, to whom stock can only be returned.
    pub to: Option<ResellerId>,
    /// Whether the sender asked that the receiver accept it first; the rule of the edge may ask it as well.
    pub asks_acceptance: bool,
    /// Where it waits for acceptance, until when; `None` where it moves at once.
    pub accept_by: Option<Timestamp>,
}

impl Transfer {
    pub(super) fn encode(&self, encoder: &mut Encoder) {
        encoder
            .text(self.kind.name())
            .optional(self.to, |e, to| {
                e.bytes(to.uuid().as_bytes());
            })
            .flag(self.asks_acceptance)
            .optional(self.accept_by, |e, at| {
                e.int(at.unix_ms());
            });
    }
}

/// Where the receiver stands, seen from the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// Somewhere below the sender.
    Below,
    /// Somewhere above the sender.
    Above,
    /// Directly below the same parent.
    Sibling,
    /// The operator itself.
    Operator,
    /// Anywhere else, and the sender itself.
    Elsewhere,
}

impl Relation {
    pub const ALL: [Self; 5] = [Self::Below, Self::Above, Self::Sibling, Self::Operator, Self::Elsewhere];

    /// How `to` stands to `from`, by both lines of ancestors, each from the reseller itself to the top.
    #[must_use]
    pub fn between(from: &[ResellerId], to: &[ResellerId]) -> Self {
        let (Some(sender), Some(receiver)) = (from.first(), to.first()) else { return Self::Elsewhere };
        if sender == receiver {
            Self::Elsewhere
        } else if to.contains(sender) {
            Self::Below
        } else if from.contains(receiver) {
            Self::Above
        } else if from.get(1).is_some() && from.get(1) == to.get(1) {
            Self::Sibling
        } else {
            Self::Elsewhere
        }
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Below => "down",
            Self::Above => "up",
            Self::Sibling => "sibling",
            Self::Operator => "operator",
            Self::Elsewhere => "elsewhere",
        }
    }
}

/// An edge of the network along which stock may move. As text: `kind:relation`, then perhaps `:from>to` with the
/// names of levels, `*` for any, and perhaps `:acceptance`; such as `return:up` or
/// `transfer:sibling:outlet>outlet:acceptance`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    pub kind: TransferKind,
    pub relation: Relation,
    /// Levels of sender and receiver; `None` is any.
    pub levels: (Option<Box<str>>, Option<Box<str>>),
    /// Whether the receiver has to accept first.
    pub acceptance: bool,
}

impl Edge {
    /// Whether it leads from a sender to a receiver of these levels. The operator has none.
    #[must_use]
    pub fn leads(&self, kind: TransferKind, relation: Relation, from: &str, to: Option<&str>) -> bool {
        let fits = |wanted: Option<&str>, level: Option<&str>| wanted.is_none_or(|wanted| level == Some(wanted));
        (self.kind, self.relation) == (kind, relation)
            && fits(self.levels.0.as_deref(), Some(from))
            && fits(self.levels.1.as_deref(), to)
    }
}

impl FromStr for Edge {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected an edge such as transfer:down, return:up, return:operator or \
                                transfer:sibling:outlet>outlet:acceptance";
        let mut parts = text.split(':');
        let kind = parts.next().and_then(TransferKind::from_name).ok_or(EXPECTED)?;
        let relation = parts.next().ok_or(EXPECTED)?;
        let relation = Relation::ALL.into_iter().find(|known| known.name() == relation).ok_or(EXPECTED)?;
        let mut rest = parts.next();
        let mut levels = (None, None);
        if let Some((from, to)) = rest.and_then(|part| part.split_once('>')) {
            let level = |text: &str| match text {
                "" => Err(EXPECTED),
                "*" => Ok(None),
                name => Ok(Some(name.into())),
            };
            levels = (level(from)?, level(to)?);
            rest = parts.next();
        }
        let acceptance = rest == Some("acceptance");
        if (rest.is_some() && !acceptance) || parts.next().is_some() || relation == Relation::Elsewhere {
            return Err(EXPECTED);
        }
        // The operator takes stock back and neither accepts nor has a level.
        let back_to_operator = kind == TransferKind::Return && !acceptance && levels.1.is_none();
        if relation == Relation::Operator && !back_to_operator {
            return Err("expected return:operator: stock is only returned to the operator, without acceptance");
        }
        Ok(Self { kind, relation, levels, acceptance })
    }
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.name(), self.relation.name())?;
        if self.levels != (None, None) {
            let name = |level: &Option<Box<str>>| level.as_deref().unwrap_or("*").to_owned();
            write!(f, ":{}>{}", name(&self.levels.0), name(&self.levels.1))?;
        }
        if self.acceptance { f.write_str(":acceptance") } else { Ok(()) }
    }
}

/// The edges that an operator has unless it says otherwise: down by transfer, up by return.
#[must_use]
pub fn usual_edges() -> Vec<Edge> {
    let usual = ["transfer:down", "return:up", "return:operator"];
    usual.map(|text| text.parse().expect("these are edges")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> ResellerId {
        ResellerId::from_uuid(uuid::Uuid::from_u128(number))
    }

    #[test]
    fn every_relation_is_seen_from_the_sender() {
        // 1 has 2 and 3 below it; 4 is below 2, 5 below 3; 6 is another top.
        let line = |number| match number {
            2 => vec![id(2), id(1)],
            3 => vec![id(3), id(1)],
            4 => vec![id(4), id(2), id(1)],
            5 => vec![id(5), id(3), id(1)],
            7 => vec![id(7), id(2), id(1)],
            other => vec![id(other)],
        };
        for (from, to, relation) in [
            (1, 2, Relation::Below),
            (1, 4, Relation::Below),
            (4, 1, Relation::Above),
            (4, 2, Relation::Above),
            (2, 3, Relation::Sibling),
            (4, 7, Relation::Sibling),
            (4, 5, Relation::Elsewhere),
            (4, 3, Relation::Elsewhere),
            (1, 1, Relation::Elsewhere),
            (1, 6, Relation::Elsewhere),
        ] {
            assert_eq!(Relation::between(&line(from), &line(to)), relation, "{from} to {to}");
        }
        assert_eq!(Relation::between(&[], &line(1)), Relation::Elsewhere);
    }

    #[test]
    fn edges_are_written_as_text() {
        for text in [
            "transfer:down",
            "return:up",
            "return:operator",
            "transfer:sibling:acceptance",
            "transfer:down:distributor>wholesaler",
            "transfer:down:*>outlet:acceptance",
            "return:operator:outlet>*",
        ] {
            assert_eq!(text.parse::<Edge>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            "down",
            "gift:down",
            "transfer:elsewhere",
            "transfer:operator",
            "return:operator:acceptance",
            "return:operator:*>outlet",
            "transfer:down:",
            "transfer:down:outlet",
            "transfer:down:>outlet",
            "transfer:down:acceptance:acceptance",
            "transfer:down:a>b:c",
        ] {
            assert!(bad.parse::<Edge>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_edge_leads_where_kind_relation_and_levels_fit() {
        let edge: Edge = "transfer:down:distributor>*".parse().unwrap();
        let leads = |relation, from| edge.leads(TransferKind::Transfer, relation, from, Some("outlet"));
        assert!(leads(Relation::Below, "distributor"));
        assert!(!leads(Relation::Below, "wholesaler"));
        assert!(!leads(Relation::Above, "distributor"));
        assert!(!edge.leads(TransferKind::Return, Relation::Below, "distributor", Some("outlet")));
        let back: Edge = "return:operator".parse().unwrap();
        assert!(back.leads(TransferKind::Return, Relation::Operator, "outlet", None));
    }
}
