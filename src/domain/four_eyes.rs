//! What needs a second person: stock that is created or destroyed, corrections by hand, limits that are raised.
//!
//! A person proposes (the maker), another one decides (the checker). What nobody decides in time expires.

use super::encoding::Encoder;
use super::evidence::Statement;
use super::ids::{ClientId, ResellerId};
use super::operation::OperationKind;
use super::reconciliation::ItemResolution;
use super::records::{Bounds, LimitChange};
use super::text::{DocumentReference, Reason};
use super::time::Timestamp;

/// Which way an adjustment moves recharge credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From suspense into the stock.
    In,
    /// From the stock into suspense.
    Out,
}

impl Direction {
    pub const ALL: [Self; 2] = [Self::In, Self::Out];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|direction| direction.name() == name)
    }
}

/// Limits that are to be raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitRaise {
    pub change: LimitChange,
    /// Version of the reseller's limits that it was proposed against; 0 for those of its opening. The ledger's own.
    pub version: i64,
}

/// What is proposed. Its amount is that of the operation, zero where there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proposal {
    /// Create recharge credit in the operator's stock.
    Issue,
    /// Take recharge credit out of the operator's stock, for good.
    Destruction,
    /// Move recharge credit between a stock and suspense; `reseller` is `None` for the operator's own stock.
    Adjustment { reseller: Option<ResellerId>, direction: Direction },
    /// Let a reseller or one of its terminals sell more, or go further below zero.
    LimitRaise(Box<LimitRaise>),
    /// Say what becomes of what two books do not have in common.
    Resolution(Box<ItemResolution>),
    /// State what became of a recharge in doubt.
    Statement(Statement),
}

impl Proposal {
    /// The reseller it is about, besides the operator.
    #[must_use]
    pub fn reseller(&self) -> Option<ResellerId> {
        match self {
            Self::Issue | Self::Destruction | Self::Resolution(_) => None,
            Self::Adjustment { reseller, .. } => *reseller,
            Self::LimitRaise(raise) => Some(raise.change.reseller),
            Self::Statement(statement) => Some(statement.reseller),
        }
    }

    /// What it resolves.
    #[must_use]
    pub fn resolution(&self) -> Option<&ItemResolution> {
        if let Self::Resolution(resolution) = self { Some(resolution) } else { None }
    }

    /// What it states.
    #[must_use]
    pub fn statement(&self) -> Option<&Statement> {
        if let Self::Statement(statement) = self { Some(statement) } else { None }
    }

    #[must_use]
    pub fn kind(&self) -> OperationKind {
        match self {
            Self::Statement(_) => OperationKind::Statement,
            Self::Resolution(_) => OperationKind::Resolution,
            Self::Issue => OperationKind::Issue,
            Self::Destruction => OperationKind::Destruction,
            Self::Adjustment { .. } => OperationKind::Adjustment,
            Self::LimitRaise(_) => OperationKind::LimitRaise,
        }
    }
}

/// What a checker may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i16)]
pub enum Ruling {
    Approve = 1,
    Refuse = 2,
}

impl Ruling {
    pub const ALL: [Self; 2] = [Self::Approve, Self::Refuse];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Refuse => "refuse",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ruling| ruling.name() == name)
    }

    /// The number the store keeps; never used again for another meaning.
    #[must_use]
    pub fn code(self) -> i16 {
        self as i16
    }

    #[must_use]
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|ruling| ruling.code() == code)
    }
}

/// What the checker said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub checker: ClientId,
    pub ruling: Ruling,
    pub reason: Reason,
    pub at: Timestamp,
}

/// A proposal with those who stand for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FourEyes {
    pub proposal: Proposal,
    pub maker: ClientId,
    pub reason: Reason,
    pub document: DocumentReference,
    /// From here on nobody can approve or refuse it any more.
    pub expires_at: Timestamp,
    pub verdict: Option<Verdict>,
}

impl FourEyes {
    /// The first field in which a later request with the same key differs, by its name in the contract.
    #[must_use]
    pub fn differs_from(&self, other: &Self) -> Option<&'static str> {
        let about = match (&self.proposal, &other.proposal) {
            (Proposal::Issue, Proposal::Issue) | (Proposal::Destruction, Proposal::Destruction) => None,
            (
                Proposal::Adjustment { reseller, direction },
                Proposal::Adjustment { reseller: other_reseller, direction: other_direction },
            ) => first_difference(&[
                ("reseller_id", reseller == other_reseller),
                ("direction", direction == other_direction),
            ]),
            (Proposal::LimitRaise(ours), Proposal::LimitRaise(theirs)) => ours.differs_from(theirs),
            (Proposal::Resolution(ours), Proposal::Resolution(theirs)) => ours.differs_from(theirs),
            (Proposal::Statement(ours), Proposal::Statement(theirs)) => first_difference(&[
                ("recharge_id", ours.recharge == theirs.recharge),
                ("decision", ours.applied == theirs.applied),
            ]),
            _ => Some("external_id"),
        };
        about.or_else(|| {
            first_difference(&[("reason", self.reason == other.reason), ("document", self.document == other.document)])
        })
    }

    pub(super) fn encode(&self, encoder: &mut Encoder) {
        match &self.proposal {
            Proposal::Issue => encoder.text("issue"),
            Proposal::Destruction => encoder.text("destruction"),
            Proposal::Adjustment { reseller, direction } => {
                encoder.text("adjustment").text(direction.name()).optional(*reseller, |e, reseller| {
                    e.bytes(reseller.uuid().as_bytes());
                })
            }
            Proposal::LimitRaise(raise) => raise.encode(encoder.text("limit raise")),
            Proposal::Resolution(resolution) => resolution.encode(encoder.text("resolution")),
            Proposal::Statement(statement) => {
                encoder.text("statement").bytes(statement.recharge.uuid().as_bytes()).text(statement.name())
            }
        };
        encoder
            .bytes(self.maker.uuid().as_bytes())
            .text(self.reason.as_str())
            .text(self.document.as_str())
            .int(self.expires_at.unix_ms())
            .optional(self.verdict.as_ref(), |e, verdict| {
                e.bytes(verdict.checker.uuid().as_bytes())
                    .text(verdict.ruling.name())
                    .text(verdict.reason.as_str())
                    .int(verdict.at.unix_ms());
            });
    }
}

impl LimitRaise {
    fn differs_from(&self, other: &Self) -> Option<&'static str> {
        let (ours, theirs) = (&self.change, &other.change);
        let (bounds, other) = (&ours.bounds, &theirs.bounds);
        first_difference(&[
            ("reseller_id", ours.reseller == theirs.reseller),
            ("effective_from", ours.effective_from == theirs.effective_from),
            ("terminal_id", ours.terminal == theirs.terminal),
            ("per_operation", bounds.per_operation_minor == other.per_operation_minor),
            ("per_day_count", bounds.per_day_count == other.per_day_count),
            ("per_day_amount", bounds.per_day_minor == other.per_day_minor),
            ("per_month_count", bounds.per_month_count == other.per_month_count),
            ("per_month_amount", bounds.per_month_minor == other.per_month_minor),
            ("credit_limit", ours.credit_limit_minor == theirs.credit_limit_minor),
        ])
    }

    fn encode<'a>(&self, encoder: &'a mut Encoder) -> &'a mut Encoder {
        let LimitChange { reseller, effective_from, terminal, bounds, credit_limit_minor } = &self.change;
        let Bounds { per_operation_minor, per_day_count, per_day_minor, per_month_count, per_month_minor } = *bounds;
        encoder
            .bytes(reseller.uuid().as_bytes())
            .optional(*effective_from, |e, at| {
                e.int(at.unix_ms());
            })
            .optional(terminal.as_ref(), |e, terminal| {
                e.text(terminal.as_str());
            });
        let limits = [per_operation_minor, per_day_count, per_day_minor, per_month_count, per_month_minor];
        for limit in limits.into_iter().chain([*credit_limit_minor]) {
            encoder.optional(limit, |e, limit| {
                e.int(limit);
            });
        }
        encoder.int(self.version)
    }
}

fn first_difference(fields: &[(&'static str, bool)]) -> Option<&'static str> {
    fields.iter().find(|(_, same)| !same).map(|(name, _)| *name)
}
