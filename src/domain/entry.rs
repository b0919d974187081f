//! The journal: entries, their postings, and holds.

use std::sync::Arc;

use uuid::Uuid;

use super::account::{AccountNumber, Asset};
use super::encoding::{Encoder, Hash, leaf_hash};
use super::evidence::EvidenceItem;
use super::ids::OperationId;
use super::shard::Shard;
use super::staff::StaffAction;
use super::time::Timestamp;

/// What a kind of entry is about, and what of it stands in the same shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// An operation whose row stands in the same shard and carries the entry's digest; it waits for nothing.
    Operation,
    /// Such an operation, which waits for an outcome after the entry and has a hold.
    OpenOperation,
    /// An operation whose row stands in another shard.
    Elsewhere,
    /// What decisions read of a reseller.
    Reseller,
    /// A record of the same shard ([`super::record`]).
    Record,
}

/// One line per kind of entry: its number, its name, what it is about, and `staff` when people cause it: then the
/// entry says who did what from where and why ([`super::staff`]).
macro_rules! entry_kinds {
    ($($(#[$doc:meta])* $kind:ident = $code:literal, $name:literal, $about:ident $(, $staff:ident)?;)+) => {
        /// What a journal entry records. The number is what the store keeps and is never used again.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(i16)]
        pub enum EntryKind {
            $($(#[$doc])* $kind = $code,)+
        }

        impl EntryKind {
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }

            #[must_use]
            pub fn about(self) -> About {
                match self {
                    $(Self::$kind => About::$about,)+
                }
            }

            /// Whether people cause it, so that it belongs to the audit of staff actions.
            #[must_use]
            pub fn is_staffs(self) -> bool {
                match self {
                    $(Self::$kind => entry_kinds!(@is_staffs $($staff)?),)+
                }
            }
        }
    };
    (@is_staffs staff) => { true };
    (@is_staffs) => { false };
}

entry_kinds! {
    ResellerOpened = 1, "reseller.opened", Reseller, staff;
    StandingChanged = 2, "reseller.standing_changed", Reseller, staff;
    LimitsChanged = 3, "reseller.limits_changed", Reseller, staff;
    StockIssued = 4, "stock.issued", Operation, staff;
    StockAllocated = 5, "stock.allocated", Operation, staff;
    /// The receiver's half of an allocation from another shard; the operation is recorded there.
    AllocationReceived = 6, "stock.allocation_received", Elsewhere;
    AllocationDeclined = 7, "stock.allocation_declined", Operation;
    RechargeReserved = 8, "recharge.reserved", OpenOperation;
    /// Declined before it was submitted.
    RechargeRefused = 9, "recharge.refused", Operation;
    RechargeCompleted = 10, "recharge.completed", Operation;
    /// Declined by the charging system or by evidence; the hold is released.
    RechargeReleased = 11, "recharge.released", Operation;
    RechargeInDoubt = 12, "recharge.in_doubt", OpenOperation;
    /// A key made unusable before its request arrived.
    KeyVoided = 13, "key.voided", Operation;
    /// The late request for a voided key, recorded with its content.
    VoidedRequestRecorded = 14, "key.voided_request_recorded", Operation;
    /// A charging system said that the line is not its own; the next one is about to be asked.
    RechargeSentOn = 16, "recharge.sent_on", OpenOperation;
    IssueDeclined = 15, "stock.issue_declined", Operation, staff;
    /// Code, name, level or parent of a reseller.
    PlaceChanged = 20, "reseller.place_changed", Reseller, staff;
    RecordPut = 30, "record.put", Record, staff;
    /// The copy of a record in one more shard; the command is recorded in the operator's.
    RecordCopied = 31, "record.copied", Record;
    /// Waits for a second person.
    ApprovalRequested = 35, "approval.requested", Operation, staff;
    LimitRaiseDeclined = 36, "limits.raise_declined", Operation, staff;
    StockDestroyed = 37, "stock.destroyed", Operation, staff;
    StockAdjusted = 38, "stock.adjusted", Operation, staff;
    /// The reseller's half of an adjustment in another shard; the operation is recorded in the operator's.
    AdjustmentPosted = 39, "stock.adjustment_posted", Elsewhere;
    ApprovalRefused = 40, "approval.refused", Operation, staff;
    ApprovalExpired = 41, "approval.expired", Operation;
    /// Approved, but no longer possible.
    ApprovedInVain = 42, "approval.in_vain", Operation, staff;
    /// Approved; the limits themselves are a record of their reseller, put in its shard.
    LimitsRaised = 43, "limits.raised", Operation, staff;
    /// Topping up to an amount that was there already.
    AllocationNotNeeded = 44, "stock.allocation_not_needed", Operation;
    RunStarted = 45, "allocation_run.started", Operation, staff;
    RunFinished = 46, "allocation_run.finished", Operation;
    CommissionPaid = 60, "commission.paid", Operation;
    /// The receiver's part of a payout from another shard; the operation is recorded there.
    CommissionReceived = 61, "commission.received", Elsewhere;
    /// Operator stock that covers a payout of another shard.
    CommissionFunded = 62, "commission.funded", Elsewhere;
    CommissionPayoutDeclined = 63, "commission.payout_declined", Operation;
    /// A reseller of another shard has another parent or level; what this shard remembers of the network is over.
    NetworkChanged = 64, "network.changed", Elsewhere;
    /// The shard closed a business day: what it records from here on belongs to a later one.
    DayClosed = 70, "day.closed", Record;
    /// A reseller's stock fell below the threshold it is watched for.
    StockLow = 71, "stock.low", Record;
    StockRecovered = 72, "stock.recovered", Record;
    /// Stock is set aside, no acquirer was asked.
    TopupCreated = 90, "topup.created", Operation;
    TopupRefused = 91, "topup.refused", Operation;
    /// Operator stock that is set aside in another shard; the top-up is recorded there.
    TopupStockLent = 92, "topup.stock_lent", Elsewhere;
    /// What was set aside for a top-up of another shard came back.
    TopupStockReturned = 93, "topup.stock_returned", Elsewhere;
    /// The payment moved on, and no money.
    TopupAdvanced = 94, "topup.advanced", Operation;
    /// Not paid: the stock is the operator's again.
    TopupReleased = 95, "topup.released", Operation;
    /// The money was taken and the stock could not come at once.
    TopupCaptured = 96, "topup.captured", Operation;
    TopupCredited = 97, "topup.credited", Operation;
    /// Lines of an acquirer's settlement file.
    SettlementBooked = 105, "settlement.booked", Record;
    /// What they settle of the top-ups of another shard; they are recorded in the operator's.
    SettlementPosted = 106, "settlement.posted", Elsewhere;
    /// What was bought is taken back, and the acquirer is about to be asked.
    RefundStarted = 98, "topup.refund_started", Operation;
    RefundDeclined = 99, "topup.refund_declined", Operation;
    TopupRefunded = 100, "topup.refunded", Operation;
    /// Not given back: what was taken back is the reseller's again.
    RefundPutBack = 101, "topup.refund_put_back", Operation;
    RefundAdvanced = 102, "topup.refund_advanced", Operation;
    /// The cardholder's bank disputes a payment: the acquirer took the money back.
    DisputeOpened = 110, "topup.dispute_opened", Operation;
    /// Unsold stock of a disputed top-up came back, and its sale is reversed.
    ClawedUnsold = 111, "topup.clawed_unsold", Operation;
    /// What was sold of a disputed top-up is owed.
    ClawedSold = 112, "topup.clawed_sold", Operation;
    /// What is held of a disputed top-up is waited for.
    ClawedHeld = 113, "topup.clawed_held", Operation;
    DisputeLost = 114, "topup.dispute_lost", Operation;
    /// The money came back, and so does what was taken for it.
    DisputeWon = 115, "topup.dispute_won", Operation;
    /// What was held was released: taken.
    ClawbackTook = 116, "topup.clawback_took", Operation;
    /// What was held was sold: owed.
    ClawbackOwed = 117, "topup.clawback_owed", Operation;
    /// What a dispute could not book or move before.
    DisputeTended = 118, "topup.dispute_tended", Operation;
    /// What charge-backs wait for at a reseller.
    ClawbackStands = 119, "clawback.stands", Record;
    /// What two books do not have in common has a person who looks after it.
    ItemAssigned = 120, "item.assigned", Record, staff;
    /// Somebody proposed how it is resolved; the proposal is recorded by itself.
    ItemProposed = 121, "item.proposed", Record;
    ResolutionDeclined = 122, "resolution.declined", Operation, staff;
    ResolutionBooked = 123, "resolution.booked", Operation, staff;
    /// What a resolution posts in the shard of its top-up; it is recorded in the operator's.
    ResolutionPosted = 124, "resolution.posted", Elsewhere;
    ItemResolved = 125, "item.resolved", Record;
    /// What was received about a recharge in doubt and decides nothing.
    EvidenceRecorded = 126, "recharge.evidence_recorded", OpenOperation;
    /// What was received contradicts the outcome that stands; the outcome stays.
    EvidenceContradicts = 127, "recharge.evidence_contradicts", Operation;
    /// A reversal that waits: for the outcome of its recharge, or to be tried again.
    ReversalAwaited = 140, "reversal.awaited", Operation;
    /// The charging system is about to be asked to take the credit back.
    ReversalSubmitted = 141, "reversal.submitted", Operation;
    ReversalDeclined = 142, "reversal.declined", Operation;
    ReversalInDoubt = 143, "reversal.in_doubt", Operation;
    /// The credit was taken back: stock and commissions with it.
    ReversalCompleted = 144, "reversal.completed", Operation;
    /// There was nothing to take back: the recharge was never received, or never took effect.
    ReversalNotNeeded = 145, "reversal.not_needed", Operation;
    RechargeReversalPending = 146, "recharge.reversal_pending", Operation;
    /// All of it was taken back.
    RechargeReversed = 147, "recharge.reversed", Operation;
    RechargePartlyReversed = 148, "recharge.partly_reversed", Operation;
    /// Not taken back: completed again.
    RechargeKept = 149, "recharge.kept", Operation;
    StatementDeclined = 128, "statement.declined", Operation, staff;
    /// Approved; what it ended is recorded with its recharge.
    StatementBooked = 129, "statement.booked", Operation, staff;
    /// We send no more events to an endpoint of a partner; what a partner does to it is a record that is put.
    WebhookDisabled = 150, "webhook.disabled", Record;
    /// Customer care was shown recharges of a subscriber.
    CareSearched = 130, "care.searched", Record, staff;
    CaseOpened = 131, "case.opened", Record, staff;
    CaseTaken = 132, "case.taken", Record, staff;
    CaseReleased = 133, "case.released", Record, staff;
    CaseCalledBack = 134, "case.called_back", Record, staff;
    CaseNoted = 135, "case.noted", Record, staff;
    CaseClosed = 136, "case.closed", Record, staff;
    CaseReopened = 137, "case.reopened", Record, staff;
    UserCreated = 80, "user.created", Record, staff;
    /// Counted before the PIN is compared.
    PinAttempted = 81, "user.pin_attempted", Record;
    /// The PIN of the attempt was right.
    PinVerified = 82, "user.pin_verified", Record;
    PinChanged = 83, "user.pin_changed", Record, staff;
    PinResetRequested = 84, "user.pin_reset_requested", Record, staff;
    PinReset = 85, "user.pin_reset", Record, staff;
    PinResetRefused = 86, "user.pin_reset_refused", Record, staff;
    DeviceChanged = 87, "user.device_changed", Record, staff;
    StockTransferred = 50, "transfer.completed", Operation;
    /// The receiver's half of a transfer from another shard; the operation is recorded there.
    TransferReceived = 51, "transfer.received", Elsewhere;
    TransferDeclined = 52, "transfer.declined", Operation;
    /// The stock is set aside until the receiver accepts.
    TransferHeld = 53, "transfer.held", OpenOperation;
    /// Not accepted: the hold is released.
    TransferReleased = 54, "transfer.released", Operation;
}

impl EntryKind {
    #[must_use]
    pub fn code(self) -> i16 {
        self as i16
    }

    #[must_use]
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }

    /// Whether the entry is about an operation whose row stands in the same shard and carries its digest.
    #[must_use]
    pub fn has_operation_row(self) -> bool {
        matches!(self.about(), About::Operation | About::OpenOperation)
    }

    /// Whether the operation waits for an outcome after such an entry.
    #[must_use]
    pub fn opens(self) -> bool {
        self.about() == About::OpenOperation
    }
}

/// One debit and one credit of one asset, with both balances after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    pub debit: AccountNumber,
    pub credit: AccountNumber,
    pub asset: Asset,
    /// Positive.
    pub amount_minor: i64,
    pub debit_after: i64,
    pub credit_after: i64,
}

/// The immutable record of one decided command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub shard: Shard,
    /// Gapless within the shard, from 1.
    pub sequence: i64,
    pub kind: EntryKind,
    /// The operation, the reseller, or what stands for a record: [`super::record::RecordKey::subject`].
    pub subject: Uuid,
    /// Digest of the subject's content and state after the command.
    pub digest: Hash,
    /// Who caused it: `client:cli_…`, `system:charging`, `system:doubt`, `operator:seed`.
    pub actor: Arc<str>,
    pub recorded_at: Timestamp,
    pub postings: Vec<Posting>,
    /// What a person did, where one caused it.
    pub staff: Option<Arc<StaffAction>>,
    /// What was received about a doubt, where that is what it records or what decided.
    pub evidence: Option<Arc<EvidenceItem>>,
}

impl Entry {
    /// The leaf of the shard's Merkle log: RFC 6962 §2.1 hashes it behind a zero byte.
    #[must_use]
    pub fn leaf(&self) -> Hash {
        let mut encoder = Encoder::new("taabia/entry/1");
        encoder
            .int(i64::from(self.shard.number()))
            .int(self.sequence)
            .text(self.kind.name())
            .bytes(self.subject.as_bytes())
            .bytes(&self.digest)
            .text(&self.actor)
            .int(self.recorded_at.unix_ms())
            .int(i64::try_from(self.postings.len()).expect("an entry has few postings"));
        for posting in &self.postings {
            encoder
                .int(posting.debit.0)
                .int(posting.credit.0)
                .int(i64::from(posting.asset.code()))
                .int(posting.amount_minor)
                .int(posting.debit_after)
                .int(posting.credit_after);
        }
        if let Some(action) = &self.staff {
            encoder.text("staff").bytes(&action.digest());
        }
        if let Some(item) = &self.evidence {
            encoder.text("evidence").bytes(&item.digest());
        }
        leaf_hash(&encoder)
    }
}

/// Stock set aside for an operation whose outcome is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    pub operation: OperationId,
    pub account: AccountNumber,
    pub amount_minor: i64,
    pub placed_at: Timestamp,
    /// When the operation becomes a case for the doubt job.
    pub due_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_read_back() {
        for &kind in EntryKind::ALL {
            assert_eq!(EntryKind::from_code(kind.code()), Some(kind));
        }
    }
}
