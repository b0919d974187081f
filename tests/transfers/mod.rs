//! Transfers and returns of stock, on every store.

mod acceptance;
mod decisions;
mod races;

use taabia::domain::{Decline, Status};
use taabia::ledger::Outcome;

fn status(outcome: &Outcome) -> (Status, Option<Decline>) {
    let operation = outcome.operation().expect("an operation");
    (operation.status, operation.decline)
}

const COMPLETED: (Status, Option<Decline>) = (Status::Completed, None);

fn declined(decline: Decline) -> (Status, Option<Decline>) {
    (Status::Declined, Some(decline))
}
