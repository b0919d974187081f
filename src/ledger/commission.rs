//! What recharges earn (`domain.md` \[14\], \[15\]).
//!
//! Agreed when the recharge is reserved and frozen with it; posted with its completion, each share by itself.
//! In money: debit commission expense, credit commission accrued of who earns it. In stock: debit commission granted,
//! credit commission in stock accrued. What rounding left over: debit the same expense, credit rounding, or the
//! other way round. All in the seller's shard; a job pays out what has accrued (`payout`).

use super::books::{Movement, ShardBooks};
use super::pricing::{Sale, Shares, commission, rounding};
use crate::domain::catalogue::PayIn;
use crate::domain::{Account, AccountClass, AccountNumber, Earned, ResellerId, SaleTerms};

/// The terms of a sale, and the accounts that must be opened for them.
#[must_use]
pub fn agree(books: &ShardBooks, seller: ResellerId, sale: &Sale<'_>) -> (SaleTerms, Vec<Account>) {
    let Some((version, catalogue)) = books.catalogue() else { return (SaleTerms::default(), Vec::new()) };
    let mut terms = SaleTerms { catalogue: version, ..SaleTerms::default() };
    let mut opened = Vec::new();
    let ancestry = books.owners().ancestry(seller).filter(|_| catalogue.has_commissions());
    let Some(ancestry) = ancestry else { return (terms, opened) };
    let levels = ancestry.iter().map(|rung| rung.level.as_str());
    let Shares { shares, money_residue_minor, stock_residue_minor } = commission(catalogue, sale, levels);
    (terms.money_residue_minor, terms.stock_residue_minor) = (money_residue_minor, stock_residue_minor);
    let earned = shares.into_iter().map(|share| Earned {
        rule: share.rule,
        pay_in: share.pay_in,
        steps_up: u8::try_from(share.steps_up).unwrap_or(u8::MAX),
        account: accrued(books, &mut opened, ancestry[share.steps_up].reseller, share.pay_in),
        amount_minor: share.amount_minor,
    });
    terms.earned = earned.collect();
    (terms, opened)
}

/// Where somebody's commission accrues in this shard.
fn accrued(books: &ShardBooks, opened: &mut Vec<Account>, owner: ResellerId, pay_in: PayIn) -> AccountNumber {
    let class = accrued_class(pay_in);
    let new = |account: &&Account| (account.owner, account.class) == (Some(owner), class);
    let known = books.owners().account(owner, class);
    known.or_else(|| opened.iter().find(new).map(|account| account.number)).unwrap_or_else(|| {
        let ahead = i64::try_from(opened.len()).expect("few accounts are opened at once");
        let number = AccountNumber(books.head().next_account + ahead);
        opened.push(Account::empty(number, class, Some(owner)));
        number
    })
}

/// The class of the accounts on which a commission accrues.
#[must_use]
pub fn accrued_class(pay_in: PayIn) -> AccountClass {
    match pay_in {
        PayIn::Money => AccountClass::CommissionAccrued,
        PayIn::Stock => AccountClass::CommissionStockAccrued,
    }
}

fn expense(pay_in: PayIn) -> AccountNumber {
    match pay_in {
        PayIn::Money => AccountClass::CommissionExpense.system_account(),
        PayIn::Stock => AccountClass::CommissionGranted.system_account(),
    }
}

/// What is posted for the terms when the recharge completes.
pub fn movements(terms: &SaleTerms) -> impl Iterator<Item = Movement> {
    let shares = terms.earned.iter().filter(|earned| earned.amount_minor > 0).map(|earned| Movement {
        debit: expense(earned.pay_in),
        credit: earned.account,
        amount_minor: earned.amount_minor,
    });
    let money = rounding(expense(PayIn::Money), AccountClass::MoneyRounding, terms.money_residue_minor);
    let stock = rounding(expense(PayIn::Stock), AccountClass::AirtimeRounding, terms.stock_residue_minor);
    shares.chain(money).chain(stock)
}
