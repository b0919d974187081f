//! What decisions read of a reseller changes here and nowhere else: opening, standing, limits, and its place in the
//! network. Posts nothing.

use super::books::{PlaceChange, ShardBooks, Step, Subject};
use super::changes::Registration;
use super::command::{ChangePlace, OpenReseller, Refusal, SetLimits, SetStanding};
use super::rules::Rules;
use super::tree::{PlaceRefusal, Tree};
use crate::domain::encoding::{Encoder, Hash};
use crate::domain::{Account, AccountClass, AccountNumber, EntryKind, Limits, Reseller, ResellerId, Standing};

/// Opens a reseller with an empty stock account.
///
/// # Errors
/// [`Refusal::ResellerExists`]; [`Refusal::Place`] when its code is taken or nothing may stand in that place.
pub fn open(books: &ShardBooks, tree: &Tree, command: &OpenReseller, rules: &Rules) -> Result<Step, Refusal> {
    let registration = &command.registration;
    let id = registration.id;
    if books.reseller(id).is_some() {
        return Err(Refusal::ResellerExists);
    }
    if tree.holder(&registration.code).is_some() {
        return Err(PlaceRefusal::CodeTaken.into());
    }
    tree.check_place(id, registration.parent, registration.level, 0, rules)?;
    let number = AccountNumber(books.head().next_account);
    let mut stock = Account::empty(number, AccountClass::ResellerStock, Some(id));
    stock.credit_limit = command.credit_limit_minor;
    let reseller = opened(registration, number, command.limits);
    let place = Some(PlaceChange::New(registration.clone()));
    Ok(Step::about(EntryKind::ResellerOpened, Subject::Reseller { reseller, stock, place }))
}

/// The first state of a reseller.
#[must_use]
pub fn opened(registration: &Registration, stock_account: AccountNumber, limits: Limits) -> Reseller {
    Reseller {
        id: registration.id,
        stock_account,
        standing: Standing::Active,
        limits,
        parent: registration.parent,
        level: registration.level,
        place: registration.digest(),
        version: 1,
    }
}

/// Suspends, resumes or closes. What stands below stays as it is: a suspended wholesaler neither sells nor hands on,
/// its outlets sell what they have.
///
/// # Errors
/// [`Refusal::UnknownReseller`]; [`Refusal::Place`] when it is closed, or cannot be: with stock or debts, operations
/// without an outcome, or others below it that are not closed.
pub fn set_standing(books: &ShardBooks, tree: &Tree, command: &SetStanding) -> Result<Step, Refusal> {
    let (mut reseller, stock) = known(books, command.reseller, command.if_version)?;
    if reseller.standing == Standing::Closed && command.standing != Standing::Closed {
        return Err(PlaceRefusal::Closed.into());
    }
    if command.standing == Standing::Closed && reseller.standing != Standing::Closed {
        may_close(books, tree, &reseller)?;
    }
    reseller.standing = command.standing;
    reseller.version += 1;
    Ok(Step::about(EntryKind::StandingChanged, Subject::Reseller { reseller, stock, place: None }))
}

fn may_close(books: &ShardBooks, tree: &Tree, reseller: &Reseller) -> Result<(), PlaceRefusal> {
    if books.accounts_of(reseller.id).any(|account| account.held != 0) {
        Err(PlaceRefusal::HasHolds)
    } else if books.accounts_of(reseller.id).any(|account| account.posted != 0) {
        Err(PlaceRefusal::HasBalance)
    } else if tree.below(reseller.id).open_children > 0 {
        Err(PlaceRefusal::HasChildren)
    } else {
        Ok(())
    }
}

/// Sets limits. A lower one may leave what is available below it; only later debits are refused.
///
/// # Errors
/// [`Refusal::UnknownReseller`].
pub fn set_limits(books: &ShardBooks, command: &SetLimits) -> Result<Step, Refusal> {
    let (mut reseller, mut stock) = known(books, command.reseller, None)?;
    reseller.limits = command.limits;
    reseller.version += 1;
    stock.credit_limit = command.credit_limit_minor;
    Ok(Step::about(EntryKind::LimitsChanged, Subject::Reseller { reseller, stock, place: None }))
}

/// Gives a reseller another code, name, level or parent; with another parent all below it moves along. `Ok(None)`
/// when it is so already: nothing is written.
///
/// # Errors
/// [`Refusal::UnknownReseller`]; [`Refusal::Place`] when the version is not the one that was read, the reseller is
/// closed, the code is taken, or it may not stand there.
pub fn change_place(
    books: &ShardBooks,
    tree: &Tree,
    command: &ChangePlace,
    rules: &Rules,
) -> Result<Option<Step>, Refusal> {
    let (mut reseller, stock) = known(books, command.reseller, command.if_version)?;
    let node = tree.node(reseller.id).ok_or(Refusal::UnknownReseller)?;
    if reseller.standing == Standing::Closed {
        return Err(PlaceRefusal::Closed.into());
    }
    let before = &node.registration;
    let after = Registration {
        code: command.code.as_ref().map_or_else(|| before.code.clone(), |code| code.as_str().to_owned()),
        name: command.name.as_ref().map_or_else(|| before.name.clone(), |name| name.as_str().to_owned()),
        level: command.level.unwrap_or(before.level),
        parent: command.parent.unwrap_or(before.parent),
        ..before.clone()
    };
    if after == *before {
        return Ok(None);
    }
    if tree.holder(&after.code).is_some_and(|holder| holder != reseller.id) {
        return Err(PlaceRefusal::CodeTaken.into());
    }
    if (after.parent, after.level) != (before.parent, before.level) {
        let below = tree.below(reseller.id);
        tree.check_place(reseller.id, after.parent, after.level, below.height, rules)?;
        let rank = rules.level_rank(after.level);
        if below.child_levels.iter().any(|child| rules.level_rank(*child).is_some_and(|child| Some(child) < rank)) {
            return Err(PlaceRefusal::LevelBelowChild.into());
        }
    }
    reseller.parent = after.parent;
    reseller.level = after.level;
    reseller.place = after.digest();
    reseller.version += 1;
    let place = Some(PlaceChange::Changed(after));
    Ok(Some(Step::about(EntryKind::PlaceChanged, Subject::Reseller { reseller, stock, place })))
}

fn known(books: &ShardBooks, id: ResellerId, if_version: Option<i64>) -> Result<(Reseller, Account), Refusal> {
    let reseller = *books.reseller(id).ok_or(Refusal::UnknownReseller)?;
    let stock = *books.account(reseller.stock_account).ok_or(Refusal::UnknownReseller)?;
    if if_version.is_some_and(|version| version != reseller.version) {
        return Err(Refusal::StaleVersion { current: reseller.version });
    }
    Ok((reseller, stock))
}

/// Digest of what decisions read of a reseller and of its place in the network, as the journal keeps it.
#[must_use]
pub fn digest(reseller: &Reseller, stock: &Account) -> Hash {
    let mut encoder = Encoder::new("taabia/reseller/2");
    let optional = |encoder: &mut Encoder, value: Option<i64>| {
        encoder.optional(value, |e, number| {
            e.int(number);
        });
    };
    encoder.bytes(reseller.id.uuid().as_bytes()).int(reseller.stock_account.0).text(reseller.standing.name());
    optional(&mut encoder, reseller.limits.per_operation_minor);
    optional(&mut encoder, reseller.limits.per_day_count);
    optional(&mut encoder, reseller.limits.per_day_minor);
    encoder.int(stock.credit_limit).text(reseller.level.as_str());
    encoder.optional(reseller.parent, |e, parent| {
        e.bytes(parent.uuid().as_bytes());
    });
    encoder.bytes(&reseller.place).int(reseller.version);
    encoder.sha256()
}

impl Registration {
    /// Digest of the place, as the reseller's state keeps it.
    #[must_use]
    pub fn digest(&self) -> Hash {
        let mut encoder = Encoder::new("taabia/place/1");
        encoder.bytes(self.id.uuid().as_bytes()).text(&self.code).text(&self.name).text(self.level.as_str());
        encoder.optional(self.parent, |e, parent| {
            e.bytes(parent.uuid().as_bytes());
        });
        encoder.int(self.created_at.unix_ms());
        encoder.sha256()
    }
}
