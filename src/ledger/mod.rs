//! Pure decisions: given the state of a shard and a command, what to write, or a refusal.
//! One file per business operation. Time, ids and random bytes are arguments.

pub mod changes;
pub mod command;
pub mod merkle;

pub use changes::{Changes, Head, Registration};
pub use command::{Actor, Command, Evidence, Outcome, Refusal, Request};
