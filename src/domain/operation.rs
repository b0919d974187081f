//! Operations: one business request and its state.

use super::catalogue::PayIn;
use super::encoding::{Encoder, Hash};
use super::ids::{OperationId, PartnerId, ResellerId};
use super::msisdn::Msisdn;
use super::rejection::Decline;
use super::terms::Terms;
use super::text::{ExternalId, TerminalId};
use super::time::Timestamp;

/// State of an operation. The names are those of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i16)]
pub enum Status {
    /// Reserved and handed to the charging system; no outcome yet.
    Submitted = 1,
    Completed = 2,
    Declined = 3,
    /// The outcome of the outside call is unknown; never treated as failure.
    InDoubt = 4,
    ReversalPending = 5,
    Reversed = 6,
}

impl Status {
    pub const ALL: [Self; 6] =
        [Self::Submitted, Self::Completed, Self::Declined, Self::InDoubt, Self::ReversalPending, Self::Reversed];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Completed => "completed",
            Self::Declined => "declined",
            Self::InDoubt => "in_doubt",
            Self::ReversalPending => "reversal_pending",
            Self::Reversed => "reversed",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// The number the store keeps; never used again for another meaning.
    #[must_use]
    pub fn code(self) -> i16 {
        self as i16
    }

    #[must_use]
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.code() == code)
    }

    /// The one table of legal transitions (`design.md` §5).
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use Status::{Completed, Declined, InDoubt, ReversalPending, Reversed, Submitted};
        match (self, next) {
            (Submitted, Completed | Declined | InDoubt)
            | (InDoubt, Completed | Declined)
            | (Completed, ReversalPending)
            | (ReversalPending, Reversed | Completed) => true,
            (Submitted | InDoubt | Completed | Declined | ReversalPending | Reversed, _) => false,
        }
    }

    /// Whether the operation waits for an outcome and its hold stands.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Submitted | Self::InDoubt)
    }

    /// No change without a new, visible operation (`domain.md` \[4\]).
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Declined | Self::Reversed)
    }
}

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i16)]
pub enum Channel {
    Atm = 1,
    BankApp = 2,
    Pos = 3,
    Web = 4,
    App = 5,
    Ussd = 6,
    Whatsapp = 7,
}

impl Channel {
    pub const ALL: [Self; 7] = [Self::Atm, Self::BankApp, Self::Pos, Self::Web, Self::App, Self::Ussd, Self::Whatsapp];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Atm => "atm",
            Self::BankApp => "bank_app",
            Self::Pos => "pos",
            Self::Web => "web",
            Self::App => "app",
            Self::Ussd => "ussd",
            Self::Whatsapp => "whatsapp",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }

    /// The number the store keeps; never used again for another meaning.
    #[must_use]
    pub fn code(self) -> i16 {
        self as i16
    }

    #[must_use]
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.code() == code)
    }
}

/// Kind of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i16)]
pub enum OperationKind {
    Recharge = 1,
    Issue = 2,
    Allocation = 3,
    CommissionPayout = 9,
}

impl OperationKind {
    pub const ALL: [Self; 4] = [Self::Recharge, Self::Issue, Self::Allocation, Self::CommissionPayout];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Recharge => "recharge",
            Self::Issue => "issue",
            Self::Allocation => "allocation",
            Self::CommissionPayout => "commission_payout",
        }
    }

    /// What the operation's id begins with on the wire.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Recharge => "rch_",
            Self::Issue => "iss_",
            Self::Allocation => "alc_",
            Self::CommissionPayout => "pay_",
        }
    }

    /// The number the store keeps; never used again for another meaning.
    #[must_use]
    pub fn code(self) -> i16 {
        self as i16
    }

    #[must_use]
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    #[must_use]
    pub fn render(self, id: OperationId) -> String {
        format!("{}{}", self.prefix(), id.uuid().hyphenated())
    }
}

/// What a recharge was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recharge {
    pub msisdn: Msisdn,
    /// Hashes are over a digest salted with it, so that the number can be erased later (`domain.md` \[26\]).
    pub salt: [u8; 16],
    pub product: Box<str>,
    pub terms: Terms,
    pub channel: Channel,
    pub terminal: Option<TerminalId>,
    pub allow_repeat: bool,
    /// Our own numeric reference towards the charging system, one per attempt, at most 20 digits.
    /// `None` when it was declined before it was submitted.
    pub charging_reference: Option<i64>,
    /// After it no adapter sends the request.
    pub submit_by: Timestamp,
}

/// What belongs to one kind of operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Details {
    Recharge(Recharge),
    /// A recharge whose key was voided before its request arrived (`domain.md` \[7\]).
    Tombstone,
    Issue,
    Allocation {
        to: ResellerId,
    },
    CommissionPayout {
        to: ResellerId,
        pay_in: PayIn,
    },
}

/// One business request and its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub id: OperationId,
    pub partner: PartnerId,
    /// The reseller that acts; [`ResellerId::OPERATOR`] for issues and allocations.
    pub reseller: ResellerId,
    pub external_id: ExternalId,
    /// Zero for a tombstone.
    pub amount_minor: i64,
    pub status: Status,
    pub decline: Option<Decline>,
    /// Available stock right after the reservation, frozen; `None` when declined before it.
    pub balance_after: Option<i64>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub details: Details,
    /// Sequence of the latest journal entry about it, in its own shard.
    pub last_sequence: i64,
}

impl Operation {
    #[must_use]
    pub fn kind(&self) -> OperationKind {
        match self.details {
            Details::Recharge(_) | Details::Tombstone => OperationKind::Recharge,
            Details::Issue => OperationKind::Issue,
            Details::Allocation { .. } => OperationKind::Allocation,
            Details::CommissionPayout { .. } => OperationKind::CommissionPayout,
        }
    }

    /// The idempotency key it holds, as the store keeps it.
    #[must_use]
    pub fn key(&self) -> [u8; 16] {
        claim_key(self.partner, self.reseller, &self.external_id)
    }

    #[must_use]
    pub fn recharge(&self) -> Option<&Recharge> {
        match &self.details {
            Details::Recharge(recharge) => Some(recharge),
            Details::Tombstone | Details::Issue | Details::Allocation { .. } | Details::CommissionPayout { .. } => None,
        }
    }

    /// The first field in which a later request with the same key differs from this one, by its name in
    /// the contract; `None` for a replay. What the server itself chose is not compared.
    #[must_use]
    pub fn differs_from(&self, amount_minor: i64, details: &Details) -> Option<&'static str> {
        let amount = ("amount", self.amount_minor == amount_minor);
        let fields: &[(&str, bool)] = match (&self.details, details) {
            (Details::Recharge(ours), Details::Recharge(theirs)) => &[
                ("msisdn", ours.msisdn == theirs.msisdn),
                amount,
                ("product", ours.product == theirs.product),
                ("channel", ours.channel == theirs.channel),
                ("terminal_id", ours.terminal == theirs.terminal),
                ("allow_repeat", ours.allow_repeat == theirs.allow_repeat),
            ],
            (Details::Issue, Details::Issue) => &[amount],
            (Details::Allocation { to: ours }, Details::Allocation { to: theirs }) => {
                &[("reseller_id", ours == theirs), amount]
            }
            // What is due is found when it is decided.
            (
                Details::CommissionPayout { to: ours, pay_in },
                Details::CommissionPayout { to: theirs, pay_in: other },
            ) => &[("reseller_id", ours == theirs), ("pay_in", pay_in == other)],
            _ => &[("external_id", false)],
        };
        fields.iter().find(|(_, same)| !same).map(|(name, _)| *name)
    }

    /// Digest of content and state, as the journal entry that brought it here keeps it.
    #[must_use]
    pub fn digest(&self) -> Hash {
        let mut encoder = Encoder::new("taabia/operation/1");
        encoder
            .bytes(self.id.uuid().as_bytes())
            .int(i64::from(self.kind().code()))
            .bytes(self.partner.uuid().as_bytes())
            .bytes(self.reseller.uuid().as_bytes())
            .text(self.external_id.as_str())
            .int(self.amount_minor)
            .text(self.status.name())
            .text(self.decline.map_or("", Decline::code))
            .optional(self.balance_after, |e, minor| {
                e.int(minor);
            })
            .int(self.created_at.unix_ms())
            .int(self.updated_at.unix_ms());
        match &self.details {
            Details::Recharge(recharge) => recharge.encode(encoder.text("recharge")),
            Details::Tombstone => {
                encoder.text("tombstone");
            }
            Details::Issue => {
                encoder.text("issue");
            }
            Details::Allocation { to } => {
                encoder.text("allocation").bytes(to.uuid().as_bytes());
            }
            Details::CommissionPayout { to, pay_in } => {
                encoder.text("commission_payout").bytes(to.uuid().as_bytes()).text(pay_in.name());
            }
        }
        encoder.sha256()
    }
}

impl Recharge {
    fn encode(&self, encoder: &mut Encoder) {
        let mut subscriber = Encoder::new("taabia/msisdn/1");
        subscriber.bytes(&self.salt).text(&self.msisdn.e164());
        encoder
            .bytes(&subscriber.sha256())
            .text(&self.product)
            .text(self.channel.name())
            .optional(self.terminal.as_ref(), |e, terminal| {
                e.text(terminal.as_str());
            })
            .flag(self.allow_repeat)
            .optional(self.charging_reference, |e, reference| {
                e.int(reference);
            })
            .int(self.submit_by.unix_ms());
        if !self.terms.is_default() {
            encoder.text(&self.terms.to_string());
        }
    }
}

/// The 16 bytes by which a key is claimed: a truncated SHA-256 over partner, reseller and external id.
#[must_use]
pub fn claim_key(partner: PartnerId, reseller: ResellerId, external_id: &ExternalId) -> [u8; 16] {
    let mut encoder = Encoder::new("taabia/key/1");
    encoder.bytes(partner.uuid().as_bytes()).bytes(reseller.uuid().as_bytes()).text(external_id.as_str());
    encoder.sha256()[..16].try_into().expect("a SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_states_is_decided() {
        use Status::*;
        let legal = [
            (Submitted, Completed),
            (Submitted, Declined),
            (Submitted, InDoubt),
            (InDoubt, Completed),
            (InDoubt, Declined),
            (Completed, ReversalPending),
            (ReversalPending, Reversed),
            (ReversalPending, Completed),
        ];
        for from in Status::ALL {
            for to in Status::ALL {
                assert_eq!(from.may_become(to), legal.contains(&(from, to)), "{from:?} to {to:?}");
            }
            assert!(!(from.is_open() && from.is_final()), "{from:?}");
            assert_eq!(Status::from_code(from.code()), Some(from));
            assert_eq!(Status::from_name(from.name()), Some(from));
        }
    }

    #[test]
    fn names_and_codes_read_back() {
        for channel in Channel::ALL {
            assert_eq!(Channel::from_name(channel.name()), Some(channel));
            assert_eq!(Channel::from_code(channel.code()), Some(channel));
        }
        for kind in OperationKind::ALL {
            assert_eq!(OperationKind::from_code(kind.code()), Some(kind));
        }
    }
}
