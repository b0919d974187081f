//! Operations: one business request and its state.

use super::allocation::{Allocation, Run};
use super::catalogue::PayIn;
use super::coded::coded;
use super::encoding::{Encoder, Hash};
use super::four_eyes::FourEyes;
use super::ids::{OperationId, PartnerId, ResellerId};
use super::recharge::Recharge;
use super::refund::TopupRefund;
use super::rejection::Decline;
use super::reversal::Reversal;
use super::text::ExternalId;
use super::time::Timestamp;
use super::topup::Topup;
use super::transfer::{Transfer, TransferKind};

coded! {
    /// State of an operation. The names are those of the contract.
    Status {
        /// Reserved and handed to the charging system; no outcome yet.
        Submitted = 1, "submitted";
        Completed = 2, "completed";
        Declined = 3, "declined";
        /// The outcome of the outside call is unknown; never treated as failure.
        InDoubt = 4, "in_doubt";
        ReversalPending = 5, "reversal_pending";
        Reversed = 6, "reversed";
        /// Proposed by one person, not decided by another one yet.
        PendingApproval = 7, "pending_approval";
        Approved = 8, "approved";
        Refused = 9, "refused";
        /// Nobody decided in time.
        Expired = 10, "expired";
        /// A transfer whose receiver has not accepted it yet; its stock is held.
        PendingAcceptance = 11, "pending_acceptance";
        /// A run over many resellers that is on its way.
        Running = 35, "running";
        CompletedWithRefusals = 36, "completed_with_refusals";
        /// A top-up whose stock is set aside; no acquirer was asked yet. A reversal that waits: for the outcome of its
        /// recharge, or to be tried again.
        Created = 90, "created";
        /// The customer must act at the acquirer.
        RequiresAction = 91, "requires_action";
        /// An acquirer was asked; no outcome yet.
        Processing = 92, "processing";
        /// The money was taken and the stock has not come yet: our debt.
        Captured = 93, "captured";
        Credited = 94, "credited";
        Refunded = 95, "refunded";
        ChargedBack = 96, "charged_back";
    }
}

impl Status {
    /// Those that a recharge goes through.
    pub const OF_RECHARGES: [Self; 6] =
        [Self::Submitted, Self::Completed, Self::Declined, Self::InDoubt, Self::ReversalPending, Self::Reversed];
    /// Those that a top-up goes through.
    pub const OF_TOPUPS: [Self; 9] = [
        Self::Created,
        Self::RequiresAction,
        Self::Processing,
        Self::InDoubt,
        Self::Captured,
        Self::Credited,
        Self::Declined,
        Self::Refunded,
        Self::ChargedBack,
    ];
    /// Those that a reversal goes through.
    pub const OF_REVERSALS: [Self; 5] =
        [Self::Created, Self::Submitted, Self::InDoubt, Self::Completed, Self::Declined];
    /// Those that a transfer goes through.
    pub const OF_TRANSFERS: [Self; 3] = [Self::PendingAcceptance, Self::Completed, Self::Declined];

    /// The one table of legal transitions (`design.md` §5).
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        match self {
            // A reversal of which the charging system provably knows nothing waits to be tried again.
            Self::Submitted => matches!(next, Self::Completed | Self::Declined | Self::InDoubt | Self::Created),
            Self::InDoubt => matches!(
                next,
                Self::Completed
                    | Self::Declined
                    | Self::RequiresAction
                    | Self::Processing
                    | Self::Captured
                    | Self::Credited
                    | Self::Refunded
                    | Self::Created
            ),
            // Money that comes in after a top-up was given up is booked (`domain.md` \[10\]).
            Self::Declined => next == Self::Captured,
            Self::PendingAcceptance => matches!(next, Self::Completed | Self::Declined),
            Self::Completed => matches!(next, Self::ReversalPending),
            Self::ReversalPending => matches!(next, Self::Reversed | Self::Completed),
            Self::PendingApproval => {
                matches!(next, Self::Approved | Self::Refused | Self::Expired | Self::Declined)
            }
            Self::Running => matches!(next, Self::Completed | Self::CompletedWithRefusals),
            // A reversal that waited for its recharge.
            Self::Created if matches!(next, Self::Submitted | Self::Completed) => true,
            Self::Created | Self::RequiresAction | Self::Processing => {
                next != self
                    && matches!(
                        next,
                        Self::RequiresAction
                            | Self::Processing
                            | Self::Captured
                            | Self::Credited
                            | Self::Declined
                            | Self::InDoubt
                            // A refund.
                            | Self::Refunded
                    )
            }
            Self::Captured => matches!(next, Self::Credited | Self::Refunded | Self::ChargedBack),
            Self::Credited => matches!(next, Self::Refunded | Self::ChargedBack),
            // Won: the money came back.
            Self::ChargedBack => matches!(next, Self::Credited | Self::Captured),
            Self::Refunded
            | Self::Reversed
            | Self::Approved
            | Self::Refused
            | Self::Expired
            | Self::CompletedWithRefusals => false,
        }
    }

    /// Whether the operation waits for an outcome and its hold stands.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Submitted | Self::InDoubt | Self::PendingAcceptance)
    }

    /// Whether a recharge credited its line, taken back since or not.
    #[must_use]
    pub fn was_completed(self) -> bool {
        matches!(self, Self::Completed | Self::ReversalPending | Self::Reversed)
    }

    /// No change without a new, visible operation (`domain.md` \[4\]).
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Completed
                | Self::Declined
                | Self::Reversed
                | Self::Approved
                | Self::Refused
                | Self::Expired
                | Self::CompletedWithRefusals
                | Self::Credited
                | Self::Refunded
                | Self::ChargedBack
        )
    }
}

coded! {
    /// Where a request came from.
    Channel {
        Atm = 1, "atm";
        BankApp = 2, "bank_app";
        Pos = 3, "pos";
        Web = 4, "web";
        App = 5, "app";
        Ussd = 6, "ussd";
        Whatsapp = 7, "whatsapp";
    }
}

coded! {
    /// Kind of an operation.
    OperationKind {
        Recharge = 1, "recharge";
        Issue = 2, "issue";
        Allocation = 3, "allocation";
        Destruction = 4, "destruction";
        Adjustment = 5, "adjustment";
        LimitRaise = 6, "limit_raise";
        Transfer = 7, "transfer";
        Return = 8, "return";
        CommissionPayout = 9, "commission_payout";
        Topup = 10, "topup";
        TopupRefund = 11, "topup_refund";
        /// What two persons state about a recharge in doubt.
        Statement = 12, "statement";
        /// How what two books do not have in common is resolved.
        Resolution = 14, "resolution";
        Reversal = 15, "reversal";
        AllocationRun = 35, "allocation_run";
    }
}

impl OperationKind {
    /// What the operation's id begins with on the wire.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Recharge => "rch_",
            Self::Issue => "iss_",
            Self::Allocation => "alc_",
            Self::Destruction => "dst_",
            Self::Adjustment => "adj_",
            Self::LimitRaise => "lmt_",
            Self::AllocationRun => "run_",
            Self::Transfer | Self::Return => "trf_",
            Self::CommissionPayout => "pay_",
            Self::Topup => "top_",
            Self::TopupRefund => "rfd_",
            Self::Resolution => "rsn_",
            Self::Reversal => "rev_",
            Self::Statement => "stm_",
        }
    }

    #[must_use]
    pub fn render(self, id: OperationId) -> String {
        format!("{}{}", self.prefix(), id.uuid().hyphenated())
    }
}

/// What belongs to one kind of operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Details {
    Recharge(Recharge),
    /// A recharge whose key was voided before its request arrived (`domain.md` \[7\]).
    Tombstone,
    CommissionPayout {
        to: ResellerId,
        pay_in: PayIn,
    },
    Transfer(Transfer),
    /// What a second person has to approve.
    FourEyes(Box<FourEyes>),
    Allocation(Box<Allocation>),
    Run(Box<Run>),
    Topup(Box<Topup>),
    Refund(Box<TopupRefund>),
    Reversal(Box<Reversal>),
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
        match &self.details {
            Details::Recharge(_) | Details::Tombstone => OperationKind::Recharge,
            Details::CommissionPayout { .. } => OperationKind::CommissionPayout,
            Details::Transfer(Transfer { kind: TransferKind::Transfer, .. }) => OperationKind::Transfer,
            Details::Transfer(Transfer { kind: TransferKind::Return, .. }) => OperationKind::Return,
            Details::FourEyes(eyes) => eyes.proposal.kind(),
            Details::Allocation(_) => OperationKind::Allocation,
            Details::Run(_) => OperationKind::AllocationRun,
            Details::Topup(_) => OperationKind::Topup,
            Details::Refund(_) => OperationKind::TopupRefund,
            Details::Reversal(_) => OperationKind::Reversal,
        }
    }

    /// Whether it waits for an outcome with a hold: a top-up's stock is set aside by a posting, a reversal sets none
    /// aside.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status.is_open() && self.topup().is_none() && self.refund().is_none() && self.reversal().is_none()
    }

    /// Whether it is a top-up or a refund that is not at its end: its payment is under way, or its stock is to come.
    #[must_use]
    pub fn waits_for_payment(&self) -> bool {
        let waits = [Status::Created, Status::RequiresAction, Status::Processing, Status::InDoubt, Status::Captured];
        (self.topup().is_some() || self.refund().is_some()) && waits.contains(&self.status)
    }

    /// Whether it is a reversal that is not at its end.
    #[must_use]
    pub fn is_reversal_under_way(&self) -> bool {
        self.reversal().is_some() && matches!(self.status, Status::Created | Status::Submitted | Status::InDoubt)
    }

    /// The idempotency key it holds, as the store keeps it.
    #[must_use]
    pub fn key(&self) -> [u8; 16] {
        claim_key(self.partner, self.reseller, &self.external_id)
    }

    #[must_use]
    pub fn recharge(&self) -> Option<&Recharge> {
        if let Details::Recharge(recharge) = &self.details { Some(recharge) } else { None }
    }

    #[must_use]
    pub fn four_eyes(&self) -> Option<&FourEyes> {
        if let Details::FourEyes(four_eyes) = &self.details { Some(four_eyes) } else { None }
    }

    #[must_use]
    pub fn allocation(&self) -> Option<&Allocation> {
        if let Details::Allocation(allocation) = &self.details { Some(allocation) } else { None }
    }

    #[must_use]
    pub fn run(&self) -> Option<&Run> {
        if let Details::Run(run) = &self.details { Some(run) } else { None }
    }

    #[must_use]
    pub fn topup(&self) -> Option<&Topup> {
        if let Details::Topup(topup) = &self.details { Some(topup) } else { None }
    }

    #[must_use]
    pub fn refund(&self) -> Option<&TopupRefund> {
        if let Details::Refund(refund) = &self.details { Some(refund) } else { None }
    }

    #[must_use]
    pub fn reversal(&self) -> Option<&Reversal> {
        if let Details::Reversal(reversal) = &self.details { Some(reversal) } else { None }
    }

    #[must_use]
    pub fn transfer(&self) -> Option<&Transfer> {
        if let Details::Transfer(transfer) = &self.details { Some(transfer) } else { None }
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
            (Details::FourEyes(ours), Details::FourEyes(theirs)) => {
                let different = ours.differs_from(theirs);
                return different.or_else(|| Some("amount").filter(|_| !amount.1));
            }
            (Details::Allocation(ours), Details::Allocation(theirs)) => return ours.differs_from(theirs),
            (Details::Refund(ours), Details::Refund(theirs)) => return ours.differs_from(theirs),
            (Details::Reversal(ours), Details::Reversal(theirs)) => return ours.differs_from(theirs),
            (Details::Topup(ours), Details::Topup(theirs)) => {
                let different = Some("stock").filter(|_| !amount.1);
                return different.or_else(|| ours.differs_from(theirs));
            }
            (Details::Run(ours), Details::Run(theirs)) => &[("lines", ours.request == theirs.request)],
            (Details::Transfer(ours), Details::Transfer(theirs)) => &[
                ("to_reseller_id", ours.to == theirs.to),
                amount,
                ("kind", ours.kind == theirs.kind),
                ("acceptance", ours.asks_acceptance == theirs.asks_acceptance),
            ],
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
            Details::CommissionPayout { to, pay_in } => {
                encoder.text("commission_payout").bytes(to.uuid().as_bytes()).text(pay_in.name());
            }
            Details::Transfer(transfer) => transfer.encode(encoder.text("transfer")),
            Details::FourEyes(eyes) => eyes.encode(encoder.text("four eyes")),
            Details::Allocation(allocation) => allocation.encode(encoder.text("allocation")),
            Details::Run(run) => run.encode(encoder.text("run")),
            Details::Topup(topup) => topup.encode(encoder.text("topup")),
            Details::Refund(refund) => refund.encode(encoder.text("refund")),
            Details::Reversal(reversal) => reversal.encode(encoder.text("reversal")),
        }
        encoder.sha256()
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
            (PendingApproval, Approved),
            (PendingApproval, Refused),
            (PendingApproval, Expired),
            (PendingApproval, Declined),
            (Running, Completed),
            (Running, CompletedWithRefusals),
            (PendingAcceptance, Completed),
            (PendingAcceptance, Declined),
            (Declined, Captured),
            (Captured, Credited),
            (Created, Submitted),
            (Submitted, Created),
            (InDoubt, Created),
            (Created, Completed),
        ];
        // What is known of a payment may come in any order, until it is at its end.
        let paying = [Created, RequiresAction, Processing];
        let reaches = [RequiresAction, Processing, Captured, Credited, Declined, InDoubt, Refunded];
        let payment = paying.into_iter().flat_map(|from| reaches.map(|to| (from, to))).filter(|(from, to)| from != to);
        let doubt = [RequiresAction, Processing, Captured, Credited, Refunded].map(|to| (InDoubt, to));
        let after = [Captured, Credited].map(|from| [(from, Refunded), (from, ChargedBack), (ChargedBack, from)]);
        let legal: Vec<_> = legal.into_iter().chain(payment).chain(doubt).chain(after.into_iter().flatten()).collect();
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
