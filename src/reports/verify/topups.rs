//! What top-ups have set aside, and what is owed for them, is what their states say (`domain.md` \[11\]).

use super::finding::Finding;
use super::fold::Fold;
use crate::domain::records::StandingClawback;
use crate::domain::{AccountClass, Dispute, Operation, OperationId, OperationKind, Record, Status, Topup};

/// Sums in minor units over the top-ups of a shard, each as its last entry left it.
#[derive(Default)]
pub(super) struct Topups {
    reserved: i64,
    owed: i64,
    /// What top-ups say of their refunds less what these say: zero.
    refunding: i128,
    refunded: i128,
    /// Price of what charge-backs wait for, and its face value by the disputes less that by the records of resellers.
    standing: i64,
    standing_face: i128,
    /// The first top-up whose disputes are not what it says was charged back.
    odd: Option<OperationId>,
}

impl Topups {
    fn dispute(&mut self, operation: &Operation, topup: &Topup) {
        let mut booked = 0;
        for dispute in &topup.disputes {
            let Dispute { debt_minor, share, unsold, held, owed_minor, .. } = dispute;
            self.standing = self.standing.saturating_add(held.money_minor());
            self.standing_face += i128::from(held.face_minor);
            // Each centime of it is somewhere (`domain.md` [11]).
            let taken = debt_minor + share.fee_minor + unsold.money_minor() + held.money_minor() + owed_minor;
            booked += dispute.booked_minor;
            if taken != dispute.booked_minor || (!dispute.stands() && taken != 0) {
                self.odd.get_or_insert(operation.id);
            }
        }
        if booked != topup.payment.charged_back_minor || topup.payment.left_minor() < 0 {
            self.odd.get_or_insert(operation.id);
        }
    }

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
        let set_aside: i64 = topup.disputes.iter().map(|dispute| dispute.set_aside_minor).sum();
        self.reserved = self.reserved.saturating_add(topup.reserved_minor).saturating_add(set_aside);
        self.dispute(operation, topup);
        let payment = &topup.payment;
        // What is on its way back is our debt as long as it is not there, and so is stock that is to come back.
        let awaited = topup.payment.left_minor() - topup.free_minor();
        let owed = match operation.status {
            Status::Captured => payment.left_minor() + payment.refunding_minor,
            _ => payment.refunding_minor + awaited,
        };
        self.owed = self.owed.saturating_add(owed);
    }
}

/// The shard's accounts are what the top-ups sum to.
pub(super) fn check(fold: &Fold<'_>, records: &[Record]) -> Result<(), Finding> {
    let Topups { refunding, refunded, standing, standing_face, odd, .. } = fold.topups;
    if let Some(odd) = odd {
        let text = "what it says was charged back is not what its disputes took";
        return fold.wrong(format!("operation {}", OperationKind::Topup.render(odd)), text);
    }
    let waits: i64 = records.iter().filter_map(|record| record.body()).map(StandingClawback::face_minor).sum();
    let accounts = fold.accounts().filter(|account| account.class == AccountClass::ClawbackStanding);
    let has: i64 = accounts.map(|account| account.posted).sum();
    if i128::from(waits) != standing_face || has != standing {
        let text = format!(
            "disputes wait for {standing_face} of stock at {standing}, the records of resellers for {waits}, and their \
             accounts come to {has}"
        );
        return fold.wrong("standing claw-backs of the shard".to_owned(), text);
    }
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
