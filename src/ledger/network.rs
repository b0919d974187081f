//! What decisions read of a reseller changes here and nowhere else: opening, standing, limits. Posts nothing.

use super::books::{ShardBooks, Step, Subject};
use super::command::{OpenReseller, Refusal, SetLimits, SetStanding};
use crate::domain::{Account, AccountClass, AccountNumber, EntryKind, Reseller, ResellerId, Standing};

/// Opens a reseller with an empty stock account.
///
/// # Errors
/// [`Refusal::ResellerExists`].
pub fn open(books: &ShardBooks, command: &OpenReseller) -> Result<Step, Refusal> {
    let id = command.registration.id;
    if books.reseller(id).is_some() {
        return Err(Refusal::ResellerExists);
    }
    let number = AccountNumber(books.head().next_account);
    let mut stock = Account::empty(number, AccountClass::ResellerStock, Some(id));
    stock.credit_limit = command.credit_limit_minor;
    let reseller = Reseller { id, stock_account: number, standing: Standing::Active, limits: command.limits };
    let registration = Some(command.registration.clone());
    Ok(Step::about(EntryKind::ResellerOpened, Subject::Reseller { reseller, stock, registration }))
}

/// Suspends, resumes or closes.
///
/// # Errors
/// [`Refusal::UnknownReseller`].
pub fn set_standing(books: &ShardBooks, command: &SetStanding) -> Result<Step, Refusal> {
    let (mut reseller, stock) = known(books, command.reseller)?;
    reseller.standing = command.standing;
    Ok(Step::about(EntryKind::StandingChanged, Subject::Reseller { reseller, stock, registration: None }))
}

/// Sets limits. A lower one may leave what is available below it; only later debits are refused.
///
/// # Errors
/// [`Refusal::UnknownReseller`].
pub fn set_limits(books: &ShardBooks, command: &SetLimits) -> Result<Step, Refusal> {
    let (mut reseller, mut stock) = known(books, command.reseller)?;
    reseller.limits = command.limits;
    stock.credit_limit = command.credit_limit_minor;
    Ok(Step::about(EntryKind::LimitsChanged, Subject::Reseller { reseller, stock, registration: None }))
}

fn known(books: &ShardBooks, id: ResellerId) -> Result<(Reseller, Account), Refusal> {
    let reseller = *books.reseller(id).ok_or(Refusal::UnknownReseller)?;
    let stock = *books.account(reseller.stock_account).ok_or(Refusal::UnknownReseller)?;
    Ok((reseller, stock))
}
