//! What top-ups have set aside, and what is owed for them, is what their states say (`domain.md` \[11\]).

use super::finding::Finding;
use super::fold::Fold;
use crate::domain::{AccountClass, Operation, Status};

/// Sums over the top-ups of a shard, each as its last entry left it.
#[derive(Default)]
pub(super) struct Topups {
    reserved_minor: i64,
    owed_minor: i64,
}

impl Topups {
    pub fn add(&mut self, operation: &Operation) {
        let Some(topup) = operation.topup() else { return };
        self.reserved_minor = self.reserved_minor.saturating_add(topup.reserved_minor);
        if operation.status == Status::Captured {
            let payment = &topup.payment;
            let kept = payment.captured_minor - payment.refunded_minor - payment.charged_back_minor;
            self.owed_minor = self.owed_minor.saturating_add(kept);
        }
    }
}

/// The shard's accounts are what the top-ups sum to.
pub(super) fn check(fold: &Fold<'_>) -> Result<(), Finding> {
    for (class, sum) in [
        (AccountClass::StockReserved, fold.topups.reserved_minor),
        (AccountClass::CapturedNotCredited, fold.topups.owed_minor),
    ] {
        let has = fold.account(class.system_account()).map_or(0, |(_, balance)| balance);
        if has != sum {
            let name = class.line().name;
            let text = format!("its balance is {has}, the top-ups of the shard sum to {sum}");
            return fold.wrong(format!("account {} ({name})", class.system_account().0), text);
        }
    }
    Ok(())
}
