//! What decisions read of a reseller changes here and nowhere else: opening, standing, limits. Posts nothing.

use super::books::{ShardBooks, Step, Subject};
use super::changes::Registration;
use super::command::{OpenReseller, Refusal, SetLimits, SetStanding};
use crate::domain::encoding::{Encoder, Hash};
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

/// Digest of what decisions read of a reseller, as the journal keeps it; at its opening also of its place in the
/// network.
#[must_use]
pub fn digest(reseller: &Reseller, stock: &Account, registration: Option<&Registration>) -> Hash {
    let mut encoder = Encoder::new("taabia/reseller/1");
    let optional = |encoder: &mut Encoder, value: Option<i64>| {
        encoder.optional(value, |e, number| {
            e.int(number);
        });
    };
    encoder.bytes(reseller.id.uuid().as_bytes()).int(reseller.stock_account.0).text(reseller.standing.name());
    optional(&mut encoder, reseller.limits.per_operation_minor);
    optional(&mut encoder, reseller.limits.per_day_count);
    optional(&mut encoder, reseller.limits.per_day_minor);
    encoder.int(stock.credit_limit);
    encoder.optional(registration, |e, registration| {
        e.text(&registration.code).text(&registration.name).text(&registration.level);
        e.optional(registration.parent, |e, parent| {
            e.bytes(parent.uuid().as_bytes());
        });
        e.int(registration.created_at.unix_ms());
    });
    encoder.sha256()
}
