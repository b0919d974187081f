//! Nouns and their rules. Pure: no clock, no randomness, no async, no SQL.

pub mod account;
pub mod allocation;
mod coded;
pub mod encoding;
pub mod entry;
pub mod four_eyes;
pub mod ids;
pub mod money;
pub mod msisdn;
pub mod operation;
pub mod pin;
pub mod record;
pub mod records;
pub mod rejection;
pub mod reseller;
pub mod shard;
pub mod staff;
pub mod text;
pub mod time;
pub mod transfer;

pub use account::{Account, AccountClass, AccountNumber, Asset, Side, Usage};
pub use allocation::{Allocation, Asked, Line, Price, Run, RunLine, RunTotals, Terms};
pub use entry::{About, Entry, EntryKind, Hold, Posting};
pub use four_eyes::{Direction, FourEyes, Proposal, Ruling, Verdict};
pub use ids::{ClientId, OperationId, PartnerId, ResellerId};
pub use money::{Currency, Money, MoneyError};
pub use msisdn::{Msisdn, NumberingPlan};
pub use operation::{Channel, Details, Operation, OperationKind, Recharge, Status};
pub use record::{Content, Place, Record, RecordBody, RecordKey, RecordKind, RecordWant};
pub use rejection::{Decline, Retry};
pub use reseller::{LevelName, Limits, Reseller, ResellerCode, ResellerName, Standing};
pub use shard::Shard;
pub use staff::{Origin, StaffAction, Via};
pub use text::{DocumentReference, ExternalId, Reason, RecordId, TerminalId};
pub use time::{BusinessDay, Timestamp};
pub use transfer::{Edge, Relation, Transfer, TransferKind};
