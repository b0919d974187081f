//! What charge-backs wait for: stock of a disputed top-up that was held for sales without an outcome.
//!
//! Released: debit reseller stock, credit stock reserved, at face value; and what the price is made of, credit clawback
//! standing. Sold after all: debit reseller receivable, credit clawback standing, at the top-up's price. Whatever ends a
//! hold asks here in the same transaction, so that the reseller cannot sell what was just released.

use std::collections::HashMap;

use super::books::{Movement, ShardBooks, Step, Subject};
use super::pricing;
use super::refund::reverse;
use super::topup::reserved;
use crate::domain::records::{Claim, StandingClawback};
use crate::domain::{
    Account, AccountClass, AccountNumber, Details, Dispute, EntryKind, Hold, Operation, OperationId, Record, RecordId,
    RecordKey, RecordKind, Reseller, ResellerId, Timestamp,
};

/// What names the record of a reseller.
///
/// # Panics
/// Never: a word is printable ASCII.
#[must_use]
pub fn key(reseller: ResellerId) -> RecordKey {
    let id: RecordId = "stock".parse().expect("a word is printable ASCII");
    RecordKey::of_reseller(RecordKind::StandingClawback, reseller, id)
}

/// What charge-backs wait for at a reseller.
#[must_use]
pub fn standing(books: &ShardBooks, reseller: ResellerId) -> StandingClawback {
    books.record_of(&key(reseller)).and_then(|record| record.body().cloned()).unwrap_or_default()
}

/// The record in its next version; `None` when nothing of it changed.
#[must_use]
pub fn record(books: &ShardBooks, reseller: ResellerId, standing: StandingClawback) -> Option<Step> {
    let key = key(reseller);
    let known = books.record_of(&key);
    let before: Option<&StandingClawback> = known.and_then(|record| record.body());
    if before.map_or(standing.claims.is_empty(), |before| *before == standing) {
        return None;
    }
    let version = known.map_or(0, |record| record.version()) + 1;
    let record = Record::new(key, version, standing.into());
    Some(Step::about(EntryKind::ClawbackStands, Subject::Record(record.into())))
}

/// The account of a reseller whose balance says that something is waited for there.
#[must_use]
pub fn waits(books: &ShardBooks, reseller: ResellerId) -> Option<AccountNumber> {
    let number = books.owners().account(reseller, AccountClass::ClawbackStanding)?;
    books.account(number).filter(|account| account.posted > 0).map(|account| account.number)
}

/// The top-ups that decisions about a hold of the reseller read.
#[must_use]
pub fn topups(standing: &StandingClawback) -> Vec<OperationId> {
    standing.claims.iter().filter_map(|claim| claim.topup().ok()).collect()
}

/// How a hold ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Released,
    Sold,
}

/// What is taken of a hold that has just ended, by those who wait for it, the oldest first.
///
/// # Panics
/// When what the claims name was not loaded: the batch wants it.
#[must_use]
pub fn follow(books: &ShardBooks, reseller: &Reseller, hold: &Hold, ending: Ending, now: Timestamp) -> Vec<Step> {
    let Some(account) = waits(books, reseller.id).filter(|_| hold.account == reseller.stock_account) else {
        return Vec::new();
    };
    let mut standing = standing(books, reseller.id);
    let available = books.account(hold.account).map_or(0, Account::available);
    let mut desk = Desk {
        books,
        reseller,
        account,
        receivable: books.owners().account(reseller.id, AccountClass::ResellerReceivable),
        at: books.recorded_at(now),
        topups: HashMap::new(),
        steps: Vec::new(),
    };
    let mut left = hold.amount_minor;
    let mut free = if ending == Ending::Released { available.max(0) } else { 0 };
    for claim in standing.claims.iter_mut().filter(|claim| claim.since() >= hold.placed_at) {
        let face = left.min(claim.face_minor);
        let taken = face.min(free);
        desk.take(claim, taken, EntryKind::ClawbackTook);
        desk.take(claim, face - taken, EntryKind::ClawbackOwed);
        (left, free) = (left - face, free - taken);
        claim.face_minor -= face;
    }
    standing.claims.retain(|claim| claim.face_minor > 0);
    let mut steps = desk.steps;
    steps.extend(record(books, reseller.id, standing));
    steps
}

/// Takes for one claim after the other.
struct Desk<'a> {
    books: &'a ShardBooks,
    reseller: &'a Reseller,
    account: AccountNumber,
    receivable: Option<AccountNumber>,
    at: Timestamp,
    /// As the steps so far leave them.
    topups: HashMap<OperationId, Operation>,
    steps: Vec<Step>,
}

impl Desk<'_> {
    fn take(&mut self, claim: &Claim, face_minor: i64, kind: EntryKind) {
        if face_minor == 0 {
            return;
        }
        let id = claim.topup().expect("claims are made of ids");
        let books = self.books;
        let operation = self.topups.entry(id).or_insert_with(|| {
            Operation::clone(books.operation(id).expect("a batch wants the top-ups of claims with their holds"))
        });
        operation.updated_at = self.at;
        let Details::Topup(topup) = &mut operation.details else { unreachable!("claims are of top-ups") };
        let dispute = topup.disputes.iter_mut().find(|dispute| dispute.reference == claim.dispute);
        let dispute = dispute.expect("a claim is of a dispute");
        let mut opened = Vec::new();
        let movements = if kind == EntryKind::ClawbackTook {
            took(dispute, face_minor, self.reseller, self.account)
        } else {
            let receivable = *self.receivable.get_or_insert_with(|| {
                let number = AccountNumber(books.head().next_account);
                opened.push(Account::empty(number, AccountClass::ResellerReceivable, Some(self.reseller.id)));
                number
            });
            owed(dispute, face_minor, receivable, self.account)
        };
        dispute.updated_at_ms = self.at.unix_ms();
        let step = Step::about(kind, Subject::Operation(operation.clone()));
        self.steps.push(Step { movements, opened, ..step });
    }
}

fn took(dispute: &mut Dispute, face_minor: i64, reseller: &Reseller, account: AccountNumber) -> Vec<Movement> {
    let part = dispute.held.of_face(face_minor);
    dispute.held = dispute.held.plus(&part, -1);
    dispute.unsold = dispute.unsold.plus(&part, 1);
    dispute.set_aside_minor += face_minor;
    let stock = Movement { debit: reseller.stock_account, credit: reserved(), amount_minor: face_minor };
    let sale = pricing::movements(&part.price, account);
    [stock].into_iter().chain(sale.iter().map(reverse)).collect()
}

fn owed(dispute: &mut Dispute, face_minor: i64, receivable: AccountNumber, account: AccountNumber) -> Vec<Movement> {
    let part = dispute.held.of_face(face_minor);
    dispute.held = dispute.held.plus(&part, -1);
    dispute.owed_minor += part.money_minor();
    let owed = Movement { debit: receivable, credit: account, amount_minor: part.money_minor() };
    [owed].into_iter().filter(|movement| movement.amount_minor > 0).collect()
}
