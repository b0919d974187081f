//! The journal: entries, their postings, and holds.

use std::sync::Arc;

use uuid::Uuid;

use super::account::{AccountNumber, Asset};
use super::encoding::{Encoder, Hash, leaf_hash};
use super::ids::OperationId;
use super::shard::Shard;
use super::time::Timestamp;

/// What a journal entry records. The number is what the store keeps and is never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i16)]
pub enum EntryKind {
    ResellerOpened = 1,
    StandingChanged = 2,
    LimitsChanged = 3,
    StockIssued = 4,
    StockAllocated = 5,
    /// The receiver's half of an allocation from another shard; the operation is recorded there.
    AllocationReceived = 6,
    AllocationDeclined = 7,
    RechargeReserved = 8,
    /// Declined before it was submitted.
    RechargeRefused = 9,
    RechargeCompleted = 10,
    /// Declined by the charging system or by evidence; the hold is released.
    RechargeReleased = 11,
    RechargeInDoubt = 12,
    /// A key made unusable before its request arrived.
    KeyVoided = 13,
    /// The late request for a voided key, recorded with its content.
    VoidedRequestRecorded = 14,
    IssueDeclined = 15,
}

impl EntryKind {
    pub const ALL: [Self; 15] = [
        Self::ResellerOpened,
        Self::StandingChanged,
        Self::LimitsChanged,
        Self::StockIssued,
        Self::StockAllocated,
        Self::AllocationReceived,
        Self::AllocationDeclined,
        Self::RechargeReserved,
        Self::RechargeRefused,
        Self::RechargeCompleted,
        Self::RechargeReleased,
        Self::RechargeInDoubt,
        Self::KeyVoided,
        Self::VoidedRequestRecorded,
        Self::IssueDeclined,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ResellerOpened => "reseller.opened",
            Self::StandingChanged => "reseller.standing_changed",
            Self::LimitsChanged => "reseller.limits_changed",
            Self::StockIssued => "stock.issued",
            Self::StockAllocated => "stock.allocated",
            Self::AllocationReceived => "stock.allocation_received",
            Self::AllocationDeclined => "stock.allocation_declined",
            Self::RechargeReserved => "recharge.reserved",
            Self::RechargeRefused => "recharge.refused",
            Self::RechargeCompleted => "recharge.completed",
            Self::RechargeReleased => "recharge.released",
            Self::RechargeInDoubt => "recharge.in_doubt",
            Self::KeyVoided => "key.voided",
            Self::VoidedRequestRecorded => "key.voided_request_recorded",
            Self::IssueDeclined => "stock.issue_declined",
        }
    }

    #[must_use]
    pub fn code(self) -> i16 {
        self as i16
    }

    #[must_use]
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Whether the entry is about an operation whose row stands in the same shard and carries its digest.
    #[must_use]
    pub fn has_operation_row(self) -> bool {
        match self {
            Self::ResellerOpened | Self::StandingChanged | Self::LimitsChanged | Self::AllocationReceived => false,
            Self::StockIssued
            | Self::StockAllocated
            | Self::AllocationDeclined
            | Self::RechargeReserved
            | Self::RechargeRefused
            | Self::RechargeCompleted
            | Self::RechargeReleased
            | Self::RechargeInDoubt
            | Self::KeyVoided
            | Self::VoidedRequestRecorded
            | Self::IssueDeclined => true,
        }
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
    /// The operation, or the reseller for entries about one.
    pub subject: Uuid,
    /// Digest of the subject's content and state after the command.
    pub digest: Hash,
    /// Who caused it: `client:cli_…`, `system:charging`, `system:doubt`, `operator:seed`.
    pub actor: Arc<str>,
    pub recorded_at: Timestamp,
    pub postings: Vec<Posting>,
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
        for kind in EntryKind::ALL {
            assert_eq!(EntryKind::from_code(kind.code()), Some(kind));
        }
    }
}
