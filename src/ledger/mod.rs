//! Pure decisions: given the state of a shard and a command, what to write, or a refusal.
//! One file per business operation. Time, ids and random bytes are arguments.

mod actor;
pub mod allocation;
pub mod books;
pub mod changes;
pub mod closing;
pub mod command;
pub mod commission;
mod decide;
mod decide_topup;
pub mod four_eyes;
pub mod items;
mod keys;
pub mod limits;
pub mod merkle;
pub mod network;
mod outcome;
pub mod owners;
pub mod payout;
pub mod pricing;
pub mod recharge;
pub mod record;
pub mod refund;
mod routing;
pub mod rules;
pub mod run;
pub mod settlement;
pub mod shards;
pub mod similar;
mod staff;
pub mod step;
pub mod stock_watch;
pub mod terminal;
pub mod topup;
pub mod transfer;
pub mod tree;
pub mod user;
pub mod void;

pub use books::ShardBooks;
pub use changes::{Changes, Head, Move, Registration};
pub use command::{Actor, Command, Evidence, Outcome, Refusal, Request};
pub use decide::{close_days, decide, knows_reseller};
pub use rules::{Moment, Rules};
pub use shards::Books;
pub use similar::SimilarKey;
pub use tree::{PlaceRefusal, Tree};
