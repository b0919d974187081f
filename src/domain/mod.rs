//! Nouns and their rules. Pure: no clock, no randomness, no async, no SQL.

pub mod account;
pub mod calendar;
pub mod catalogue;
pub mod encoding;
pub mod entry;
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
pub mod terms;
pub mod text;
pub mod time;

pub use account::{Account, AccountClass, AccountNumber, Asset, Side, Usage};
pub use calendar::{Calendar, CutOff};
pub use entry::{About, Entry, EntryKind, Hold, Posting};
pub use ids::{ClientId, OperationId, PartnerId, ResellerId};
pub use money::{Currency, Money};
pub use msisdn::{Msisdn, NumberingPlan};
pub use operation::{Channel, Details, Operation, OperationKind, Recharge, Status};
pub use record::{Content, Place, Record, RecordBody, RecordKey, RecordKind, RecordWant};
pub use rejection::{Decline, Retry};
pub use reseller::{Ancestry, LevelName, Limits, Reseller, ResellerCode, ResellerName, Rung, Standing};
pub use shard::Shard;
pub use staff::{Origin, StaffAction, Via};
pub use terms::{Earned, Terms};
pub use text::{ExternalId, RecordId, TerminalId};
pub use time::{BusinessDay, Timestamp};
