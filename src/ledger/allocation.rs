//! Allocating stock: the operator hands recharge credit to a reseller.
//!
//! Debit operator stock, credit reseller stock, at face value. Across shards: debit operator stock, credit
//! in transit here; debit in transit, credit reseller stock there; both in one transaction. On account, the
//! reseller's shard also has what the price is made of (`pricing`). Topping up to what is there already posts nothing.

use super::books::{Movement, ShardBooks, Step, Subject};
use super::command::AllocateStock;
use super::pricing;
use super::rules::Moment;
use crate::domain::{
    Account, AccountClass, AccountNumber, Allocation, Asked, Decline, Details, EntryKind, Operation, PartnerId, Price,
    Reseller, ResellerId, Standing, Status, Terms,
};

/// What an allocation writes: the operator's half and, when the receiver lives elsewhere, its half.
#[derive(Debug)]
pub struct Allocated {
    pub sending: Step,
    pub receiving: Option<Step>,
}

/// What a request says, as its operation keeps it.
#[must_use]
pub fn details(command: &AllocateStock, price: Option<Price>) -> Details {
    Details::Allocation(Box::new(Allocation {
        to: command.to,
        terms: command.terms,
        reason: command.reason.clone(),
        asked: command.asked,
        price,
        run: command.run,
    }))
}

/// How much is to be handed over to whoever has `available`; or why not, with `left` in the operator's stock. The
/// ledger's own checks of ranges apart, this is the whole decision.
///
/// # Errors
/// The first refusal that applies, with the amount that it is about.
pub fn judge(standing: Standing, available: i64, asked: Asked, left: i64) -> Result<i64, (Decline, i64)> {
    let amount = match asked {
        Asked::Exactly(amount) => amount,
        Asked::TopUpTo(target) => target.saturating_sub(available).max(0),
    };
    if standing != Standing::Active {
        Err((Decline::ResellerSuspended, amount))
    } else if amount > left {
        Err((Decline::InsufficientStock, amount))
    } else {
        Ok(amount)
    }
}

/// Allocates or declines. `None` when the reseller is unknown: nothing is stored then.
#[must_use]
pub fn allocate(
    operator: &ShardBooks,
    receiver: &ShardBooks,
    command: &AllocateStock,
    moment: &Moment<'_>,
) -> Option<Allocated> {
    let reseller = receiver.reseller(command.to)?;
    let at = operator.recorded_at(moment.now);
    let available = operator.account(AccountClass::OperatorStock.system_account())?.available();
    let has = receiver.account(reseller.stock_account)?.available();
    let judged = judge(reseller.standing, has, command.asked, available);
    let (Ok(amount_minor) | Err((_, amount_minor))) = judged;
    let mut operation = Operation {
        id: command.operation,
        partner: PartnerId::OPERATOR,
        reseller: ResellerId::OPERATOR,
        external_id: command.external_id.clone(),
        amount_minor,
        status: Status::Completed,
        decline: None,
        balance_after: available.checked_sub(amount_minor),
        created_at: at,
        updated_at: at,
        details: details(command, None),
        last_sequence: 0,
    };
    let plan = Plan::of(operator, receiver, reseller, amount_minor, command.terms, moment);
    let decline = match judged {
        Err((decline, _)) => Some(decline),
        Ok(_) if plan.fits(operator, receiver) => None,
        Ok(_) => Some(Decline::LimitExceeded),
    };
    if decline.is_some() {
        operation.status = Status::Declined;
        operation.decline = decline;
        operation.balance_after = None;
        let sending = Step::about(EntryKind::AllocationDeclined, Subject::Operation(operation));
        return Some(Allocated { sending, receiving: None });
    }
    if amount_minor == 0 {
        let sending = Step::about(EntryKind::AllocationNotNeeded, Subject::Operation(operation));
        return Some(Allocated { sending, receiving: None });
    }
    operation.details = details(command, plan.price);
    Some(plan.steps(operation))
}

/// The postings of an allocation.
struct Plan {
    here: Vec<Movement>,
    /// In the receiver's shard, when it is another one.
    there: Option<Vec<Movement>>,
    price: Option<Price>,
    /// What the reseller owes, when nothing was owed before.
    opens: Option<Account>,
    /// All that is owed for it at once.
    owed: Option<Movement>,
}

impl Plan {
    fn of(
        operator: &ShardBooks,
        receiver: &ShardBooks,
        reseller: &Reseller,
        amount_minor: i64,
        terms: Terms,
        moment: &Moment<'_>,
    ) -> Self {
        let stock = AccountClass::OperatorStock.system_account();
        let transit = AccountClass::AirtimeInTransit.system_account();
        let moved = |debit: AccountNumber, credit| Movement { debit, credit, amount_minor };
        let mut plan = Self { here: Vec::new(), there: None, price: None, opens: None, owed: None };
        let mut sold = Vec::new();
        if terms == Terms::OnAccount && amount_minor > 0 {
            let known = receiver.owners().account(reseller.id, AccountClass::ResellerReceivable);
            let number = known.unwrap_or(AccountNumber(receiver.head().next_account));
            if known.is_none() {
                plan.opens = Some(Account::empty(number, AccountClass::ResellerReceivable, Some(reseller.id)));
            }
            let price = pricing::of_stock(receiver, reseller.id, amount_minor, moment);
            let sales = AccountClass::StockSales.system_account();
            plan.owed = Some(Movement { debit: number, credit: sales, amount_minor });
            plan.price = Some(price);
            sold = pricing::movements(&price, number);
        }
        if operator.shard() == receiver.shard() {
            plan.here = vec![moved(stock, reseller.stock_account)];
            plan.here.extend(sold);
        } else {
            plan.here = vec![moved(stock, transit)];
            let mut there = vec![moved(transit, reseller.stock_account)];
            there.extend(sold);
            plan.there = Some(there);
        }
        plan
    }

    /// Whether all balances stay within 64 bits.
    fn fits(&self, operator: &ShardBooks, receiver: &ShardBooks) -> bool {
        let opened = self.opens.map(|account| account.number);
        // A new account is empty: only the other side can overflow.
        let can_post = |books: &ShardBooks, Movement { debit, credit, amount_minor }: &Movement| {
            (Some(*debit) == opened || books.can_debit(*debit, *amount_minor))
                && (Some(*credit) == opened || books.can_credit(*credit, *amount_minor))
        };
        self.here.iter().all(|movement| can_post(operator, movement))
            && self.there.iter().flatten().all(|movement| can_post(receiver, movement))
            && self.owed.iter().all(|movement| can_post(receiver, movement))
    }

    fn steps(self, operation: Operation) -> Allocated {
        let Some(there) = self.there else {
            let step = Step::about(EntryKind::StockAllocated, Subject::Operation(operation));
            return Allocated {
                sending: Step { movements: self.here, opened: self.opens.into_iter().collect(), ..step },
                receiving: None,
            };
        };
        let elsewhere = Subject::Elsewhere { operation: operation.id, digest: operation.digest() };
        let receiving = Step::about(EntryKind::AllocationReceived, elsewhere);
        let sending = Step::about(EntryKind::StockAllocated, Subject::Operation(operation));
        Allocated {
            sending: Step { movements: self.here, ..sending },
            receiving: Some(Step { movements: there, opened: self.opens.into_iter().collect(), ..receiving }),
        }
    }
}
