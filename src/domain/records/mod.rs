//! The bodies of records, one file per kind.
//!
//! A body is a plain struct: private invariants are checked before it is put, fields are added with a default
//! (`#[serde(default)]`) and never change their meaning, and no field is a map, so that one content has one text.

mod business_day;
mod care_case;
mod care_search;
mod client;
mod limit_set;
mod pin_policy;
mod reconciliation_item;
mod recovery;
mod settlement_file;
mod standing_clawback;
mod stock_watch;
mod terminal;
mod user;
mod webhook_endpoint;

pub use business_day::{BusinessDayClosing, ClosedBalance};
pub use care_case::{CareCase, CaseChange, CaseRefusal, Remark};
pub use care_search::CareSearch;
pub use client::Client;
pub use limit_set::{Bounds, LimitChange, LimitSet, LimitStep, TerminalBounds};
pub use pin_policy::PinPolicy;
pub use reconciliation_item::{ReconciliationItem, Resolved};
pub use recovery::{Imported, Outstanding, Recovery, outstanding};
pub use settlement_file::{SettledSum, SettlementFile};
pub use standing_clawback::{Claim, StandingClawback};
pub use stock_watch::{Replenishment, ReplenishmentSource, StockAlert, StockWatch};
pub use terminal::{PartnerPolicy, Terminal};
pub use user::{PinHash, PinReset, User};
pub use webhook_endpoint::{EndpointState, WebhookEndpoint};
