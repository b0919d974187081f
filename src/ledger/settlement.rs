//! Books lines of an acquirer's settlement file.
//!
//! A line that matches: debit acquirer settled (net) and acquirer fees (fee), credit acquirer receivable (gross) of that
//! acquirer in the shard of the top-up, through money in transit. Any other that was not booked before: the same debits,
//! credit money suspense, until somebody knows whose it is. Negative amounts the other way round. A line whose
//! reference was booked before posts nothing. The two debits stand in the operator's shard, where a line's reference is
//! looked up under the lock: so a line is posted once, whichever files it comes in. Sums of one kind of line and one
//! account are one posting; payments are never netted with refunds.
//!
//! A line of the charging system's record that tells of more than our books have delivered: debit airtime suspense,
//! credit delivered, the difference; of less, the other way round. So delivered is what the charging system applied.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::books::{Movement, ShardBooks, Step, Subject};
use super::command::{BookSettlement, Command, Outcome, Refusal};
use super::rules::Moment;
use super::settled::{FileLines, Settled};
use super::shards::Books;
use super::topup::receivable;
use crate::domain::records::SettlementFile;
use crate::domain::settlement::{LineState, SettledLine};
use crate::domain::{Account, AccountClass, AccountNumber, EntryKind, OperationId, Record, Shard};

/// No account is taken further by a file: far beyond any, and far within 64 bits.
const LARGEST_MINOR: i64 = i64::MAX / 8;

/// What a part of a file writes: in the operator's shard, and in those of its top-ups.
#[derive(Debug)]
pub struct Booked {
    pub record: Arc<Record>,
    pub operator: Step,
    pub others: Vec<(Shard, Step)>,
}

/// Books the next lines of a file and records what is to be written.
///
/// # Errors
/// As [`book`].
pub fn decide(
    books: &mut Books,
    request: &BookSettlement,
    command: &Command,
    moment: &Moment<'_>,
) -> Result<Outcome, Refusal> {
    let Some(booked) = book(books, request, moment)? else {
        let current = books.shard(Shard::OPERATOR).record_of(&request.file.key());
        return Ok(Outcome::Put(current.ok_or(Refusal::StaleVersion { current: 0 })?.clone()));
    };
    for (shard, step) in booked.others.into_iter().chain([(Shard::OPERATOR, booked.operator)]) {
        books.shard_mut(shard).record(step, &command.actor, moment.now);
    }
    Ok(Outcome::Put(booked.record))
}

/// Books the next lines of a file. `Ok(None)` when they are booked already.
///
/// # Errors
/// [`Refusal::StaleVersion`] with the number of lines that are booked, when others come first; [`Refusal::Overflow`].
pub fn book(books: &Books, command: &BookSettlement, moment: &Moment<'_>) -> Result<Option<Booked>, Refusal> {
    let operator = books.shard(Shard::OPERATOR);
    let key = command.file.key();
    let (version, mut file) = match operator.record_of(&key).and_then(|record| Some((record, record.body()?))) {
        Some((record, file)) => (record.version(), SettlementFile::clone(file)),
        None => {
            let at = operator.recorded_at(moment.now).unix_ms();
            (0, SettlementFile::new(command.acquirer.clone(), command.content, command.total, at))
        }
    };
    let count = i64::try_from(command.lines.len()).map_err(|_| Refusal::Overflow)?;
    if version > 0 && file.booked >= command.first - 1 + count {
        return Ok(None);
    }
    if file.booked + 1 != command.first {
        return Err(Refusal::StaleVersion { current: file.booked });
    }
    let (lines, keys) = compare(operator.settled(), command);
    for line in &lines {
        file.add(line);
    }
    let (operator_postings, others) = post(books, &command.acquirer, &lines)?;
    let record: Arc<Record> = Record::new(key.clone(), version + 1, file.into()).into();
    let acquirer = (*command.acquirer).into();
    let lines = FileLines { file: command.file, acquirer, lines: lines.into(), keys: keys.into() };
    let subject = Subject::Settlement { record: record.clone(), lines };
    let elsewhere = Subject::Elsewhere { operation: OperationId::from_uuid(key.subject()), digest: record.digest() };
    let step = |kind, subject, postings: Postings| Step {
        movements: postings.movements,
        opened: postings.opened,
        ..Step::about(kind, subject)
    };
    Ok(Some(Booked {
        operator: step(EntryKind::SettlementBooked, subject, operator_postings),
        others: others
            .into_iter()
            .map(|(shard, postings)| (shard, step(EntryKind::SettlementPosted, elsewhere.clone(), postings)))
            .collect(),
        record,
    }))
}

/// The lines with what is known of them under the lock, and the key of each.
fn compare(settled: &Settled, command: &BookSettlement) -> (Vec<SettledLine>, Vec<[u8; 16]>) {
    let told = settled.covered(&command.before);
    let mut keys = HashSet::new();
    let mut paid = HashSet::new();
    let compared = command.lines.iter().map(|line| {
        let key = line.key(&command.acquirer);
        let known = settled.has_key(&key, told) || !keys.insert(key);
        let before = |operation: OperationId| settled.has_payment(operation, told) || !paid.insert(operation);
        let twice = !known && line.pays().is_some_and(before);
        let state = if known || twice { LineState::Duplicate } else { line.state };
        (SettledLine { state, posted: !known, ..line.clone() }, key)
    });
    compared.unzip()
}

#[derive(Default)]
struct Postings {
    movements: Vec<Movement>,
    opened: Vec<Account>,
}

impl Postings {
    /// Negative amounts go the other way round.
    fn push(&mut self, debit: AccountNumber, credit: AccountNumber, amount_minor: i64) {
        let (debit, credit) = if amount_minor < 0 { (credit, debit) } else { (debit, credit) };
        if amount_minor != 0 {
            self.movements.push(Movement { debit, credit, amount_minor: amount_minor.abs() });
        }
    }

    fn fit(&self, books: &ShardBooks) -> bool {
        let within = |number| books.account(number).is_none_or(|account| account.posted.abs() < LARGEST_MINOR);
        self.movements.iter().all(|movement| within(movement.debit) && within(movement.credit))
    }
}

/// Net amounts and fees by shard of the receivable (`None` is suspense) and kind of line.
type Sums = BTreeMap<(Option<Shard>, i16), (i64, i64)>;

fn sums(lines: &[SettledLine]) -> Result<Sums, Refusal> {
    let mut sums = Sums::new();
    let mut moved: i64 = 0;
    for line in lines.iter().filter(|line| line.posted && line.kind.is_money()) {
        let shard = line.operation.filter(|_| line.state == LineState::Matched).map(OperationId::shard);
        let (net, fee) = sums.entry((shard, line.kind.code())).or_default();
        let size = line.gross_minor.checked_abs().zip(line.fee_minor.checked_abs());
        let (gross, fees) = size.ok_or(Refusal::Overflow)?;
        moved = moved.checked_add(gross).and_then(|sum| sum.checked_add(fees)).ok_or(Refusal::Overflow)?;
        if moved > LARGEST_MINOR {
            return Err(Refusal::Overflow);
        }
        (*net, *fee) = (*net + line.net_minor(), *fee + line.fee_minor);
    }
    Ok(sums)
}

/// What the charging system says beyond our books, and what it lacks of them: never netted with each other.
fn differences(lines: &[SettledLine]) -> Result<BTreeMap<bool, i64>, Refusal> {
    let mut sums = BTreeMap::new();
    for line in lines.iter().filter(|line| line.posted && !line.kind.is_money()) {
        let net = line.gross_minor.checked_sub(line.fee_minor).ok_or(Refusal::Overflow)?;
        let sum: &mut i64 = sums.entry(net > 0).or_default();
        *sum = sum.checked_add(net.abs()).filter(|sum| *sum <= LARGEST_MINOR).ok_or(Refusal::Overflow)?;
    }
    Ok(sums)
}

fn post(
    books: &Books,
    acquirer: &str,
    lines: &[SettledLine],
) -> Result<(Postings, BTreeMap<Shard, Postings>), Refusal> {
    let account = AccountClass::system_account;
    let (settled, fees) = (account(AccountClass::AcquirerSettled), account(AccountClass::AcquirerFees));
    let transit = account(AccountClass::MoneyInTransit);
    let mut here = Postings::default();
    let mut others: BTreeMap<Shard, Postings> = BTreeMap::new();
    for ((shard, _), (net, fee)) in sums(lines)? {
        let to = match shard {
            None => account(AccountClass::MoneySuspense),
            Some(Shard::OPERATOR) => own(books.shard(Shard::OPERATOR), acquirer, &mut here),
            Some(shard) => {
                let there = others.entry(shard).or_default();
                let owed = own(books.shard(shard), acquirer, there);
                there.push(transit, owed, net + fee);
                transit
            }
        };
        here.push(settled, to, net);
        here.push(fees, to, fee);
    }
    for (more, net) in differences(lines)? {
        let (suspense, delivered) = (account(AccountClass::AirtimeSuspense), account(AccountClass::Delivered));
        here.push(suspense, delivered, if more { net } else { -net });
    }
    let all_fit = here.fit(books.shard(Shard::OPERATOR))
        && others.iter().all(|(shard, postings)| postings.fit(books.shard(*shard)));
    if all_fit { Ok((here, others)) } else { Err(Refusal::Overflow) }
}

/// The account of the acquirer in a shard, opened once.
fn own(books: &ShardBooks, acquirer: &str, postings: &mut Postings) -> AccountNumber {
    let (number, opened) = receivable(books, acquirer);
    if postings.opened.is_empty() {
        postings.opened.extend(opened);
    }
    number
}
