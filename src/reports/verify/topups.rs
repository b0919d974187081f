//! What top-ups have set aside, and what is owed for them, is what their states say (`domain.md` \[11\]).

use super::finding::Finding;
use super::fold::Fold;
use crate::domain::{AccountClass, Operation, Status};

/// Sums in minor units over the top-ups of a shard, each as its last entry left it.
#[derive(Default)]
pub(super) struct Topups {
    reserved: i64,
    owed: i64,
    /// What top-ups say of their refunds less what these say: zero.
    refunding: i128,
    refunded: i128,
}

impl Topups {
    pub fn add(&mut self, operation: &Operation) {
        if let Some(refund) = operation.refund() {
            match operation.status {
                Status::Processing | Status::InDoubt => {
                    self.reserved = self.reserved.saturating_add(refund.clawed.face_minor);
                    self.refunding -= i128::from(operation.amount_minor);
                }
                Status::Refunded => self.refunded -= i128::from(operation.amount_minor),
                _ => {}
            }
        }
        let Some(topup) = operation.topup() else { return };
        self.refunding += i128::from(topup.payment.refunding_minor);
        self.refunded += i128::from(topup.payment.refunded_minor);
        self.reserved = self.reserved.saturating_add(topup.reserved_minor);
        let payment = &topup.payment;
        // What is on its way back is our debt as long as it is not there.
        let owed = match operation.status {
            Status::Captured => payment.left_minor() + payment.refunding_minor,
            _ => payment.refunding_minor,
        };
        self.owed = self.owed.saturating_add(owed);
    }
}

/// The shard's accounts are what the top-ups sum to.
pub(super) fn check(fold: &Fold<'_>) -> Result<(), Finding> {
    let Topups { refunding, refunded, .. } = fold.topups;
    if (refunding, refunded) != (0, 0) {
        let text = format!("they have {refunding} more under way and {refunded} more refunded than refunds");
        return fold.wrong("top-ups of the shard".to_owned(), text);
    }
    for (class, sum) in
        [(AccountClass::StockReserved, fold.topups.reserved), (AccountClass::CapturedNotCredited, fold.topups.owed)]
    {
        let has = fold.account(class.system_account()).map_or(0, |(_, balance)| balance);
        if has != sum {
            let name = class.line().name;
            let text = format!("its balance is {has}, the top-ups of the shard sum to {sum}");
            return fold.wrong(format!("account {} ({name})", class.system_account().0), text);
        }
    }
    Ok(())
}
