//! Settlement: an acquirer's file is compared with our top-ups line by line and booked (`domain.md` \[13\]).
//!
//! A file is read to its end first, so that a bad line is told before anything is booked; then it is booked part by part,
//! and while a part is booked the next ones are compared. A short file stays in memory in between, a longer one is read
//! again, and memory holds a few parts of it. The same file again changes nothing; one that ended in the middle goes on
//! behind its last booked line.

mod charging;
mod file;
mod items;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::caller::ServiceError;
use super::evidence::{Received, tell};
use crate::acquiring::{AcquirerName, Acquirers};
use crate::domain::encoding::Hash;
use crate::domain::records::SettlementFile;
use crate::domain::settlement::CHARGING_SYSTEM;
use crate::domain::{
    CardPayment, Currency, LineState, Operation, OperationId, SettledKind, SettledLine, SettlementId, Shard,
};
use crate::ledger::command::{BookSettlement, Command, Outcome, Request};
use crate::ledger::settled::SettledBefore;
use crate::ledger::{Actor, Refusal};
use crate::ports::{Clock, Ledger, LedgerError, Reads, Registry, SettledWants, SettlementReads, StoreError};
pub use charging::RecordProfile;
pub use file::Misread;
use file::{Form, Lines, ReadLine};
pub use items::{ItemFilter, ItemView};

/// Lines that are compared and booked together: how long the shards of their top-ups are locked at a time.
const PART: usize = 2_000;
/// Parts that are compared at a time. With one that waits to be booked and one that is, as many entries may settle
/// something between the question what was settled before and the booking of its answer.
const COMPARED_AT_ONCE: usize = 2;
/// A file of at most so many lines is not read again after it was checked.
const KEPT: usize = 100_000;
/// Bytes read at once.
const BUFFER: usize = 1 << 17;
/// How often a part that the ledger could not take is offered again, and how long is waited before.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);
/// Who moves recharges by what the charging system's record proves.
const RECORD_ACTOR: &str = "system:charging_record";
const DAY_MS: i64 = 86_400_000;
/// Top-ups that began longer ago are not looked for.
const LOOKED_BACK_MS: i64 = 400 * DAY_MS;

/// Why a file was not booked to its end.
#[derive(Debug, thiserror::Error)]
pub enum SettlementError {
    /// Nothing of it was booked.
    #[error(transparent)]
    Misread(#[from] Misread),
    #[error("the file cannot be read: {0}")]
    File(#[from] std::io::Error),
    /// Another import of the same file is at work.
    #[error("the file is being imported")]
    Busy,
    #[error("no answer: {0:?}")]
    Service(ServiceError),
}

impl From<ServiceError> for SettlementError {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl From<StoreError> for SettlementError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

/// A file as it is booked now.
#[derive(Clone, Debug)]
pub struct Settlement {
    pub id: SettlementId,
    pub file: SettlementFile,
}

/// The use cases of settlement.
pub struct Settlements {
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn Reads>,
    pub settlement: Arc<dyn SettlementReads>,
    /// Who may look after what does not match.
    pub registry: Arc<dyn Registry>,
    pub acquirers: Arc<Acquirers>,
    pub clock: Arc<dyn Clock>,
    pub currency: Currency,
    /// How the charging system writes its daily record.
    pub record: RecordProfile,
}

/// What the first reading of a file found.
struct Checked {
    content: Hash,
    lines: i64,
    /// All of them, where they are few.
    kept: Option<Vec<ReadLine>>,
}

impl Settlements {
    /// Compares a file with the top-ups and books it. The flag tells that it was booked to its end before.
    ///
    /// # Errors
    /// [`ServiceError::UnknownAcquirer`]; [`SettlementError`]. What was booked until then stays, and the same file goes
    /// on behind it.
    pub async fn import(
        &self,
        actor: &Actor,
        acquirer: &AcquirerName,
        file: File,
    ) -> Result<(Settlement, bool), SettlementError> {
        let connected = self.acquirers.get(acquirer).ok_or(ServiceError::UnknownAcquirer)?;
        let form = Form::Acquirer(connected.settlement_profile().clone());
        self.import_form(actor, acquirer.as_str(), form, file).await
    }

    /// Compares the charging system's daily record with our recharges and books what it has beyond them, or lacks. What
    /// it proves about recharges in doubt moves them first. The flag tells that it was booked to its end before.
    ///
    /// # Errors
    /// [`SettlementError`]. What was booked until then stays, and the same file goes on behind it.
    pub async fn import_record(&self, actor: &Actor, file: File) -> Result<(Settlement, bool), SettlementError> {
        self.import_form(actor, CHARGING_SYSTEM, Form::Charging(self.record.clone()), file).await
    }

    async fn import_form(
        &self,
        actor: &Actor,
        whose: &str,
        form: Form,
        file: File,
    ) -> Result<(Settlement, bool), SettlementError> {
        let form = Arc::new(form);
        let checked = self.check(&file, form.clone()).await?;
        let id = SettlementId::of(whose, &checked.content);
        let known = self.stored(id).await?;
        if let Some(file) = known.as_ref().filter(|file| file.is_complete()) {
            return Ok((Settlement { id, file: file.clone() }, true));
        }
        let mut booked = known.map_or(0, |file| file.booked);
        let mut parts = parts(file, form, self.currency, checked.kept, booked);
        let parts = stream::poll_fn(move |context| parts.poll_recv(context));
        let compared = parts.map(|part| async { self.compare(whose, part?).await }).buffered(COMPARED_AT_ONCE);
        let (ahead, mut ready) = futures::channel::mpsc::channel(0);
        let comparing = compared.map(Ok).forward(ahead);
        let booking = async move {
            let mut last = None;
            while let Some(part) = ready.next().await {
                let (lines, before) = part?;
                let count = i64::try_from(lines.len()).expect("a part is short");
                let request = BookSettlement {
                    file: id,
                    acquirer: whose.into(),
                    content: checked.content,
                    total: checked.lines,
                    first: booked + 1,
                    lines: lines.into(),
                    before: before.into(),
                };
                last = Some(self.book(actor, request).await?);
                booked += count;
            }
            // Less than all was sent by a reader that panicked, or out of a file that became shorter.
            last.filter(SettlementFile::is_complete).ok_or(SettlementError::Service(ServiceError::Internal))
        };
        // Whoever compares ends by itself when nobody takes what it has.
        let (_, file) = futures::join!(comparing, booking);
        Ok((Settlement { id, file: file? }, false))
    }

    /// # Errors
    /// [`ServiceError::NotFound`] for an unknown one.
    pub async fn get(&self, id: SettlementId) -> Result<Settlement, ServiceError> {
        let file = self.stored(id).await?.ok_or(ServiceError::NotFound)?;
        Ok(Settlement { id, file })
    }

    async fn stored(&self, id: SettlementId) -> Result<Option<SettlementFile>, StoreError> {
        let record = self.reads.record(Shard::OPERATOR, &id.key()).await?;
        Ok(record.and_then(|record| record.body::<SettlementFile>().cloned()))
    }

    /// Reads the file to its end.
    async fn check(&self, file: &File, form: Arc<Form>) -> Result<Checked, SettlementError> {
        let (file, currency) = (file.try_clone()?, self.currency);
        let reading = tokio::task::spawn_blocking(move || {
            let mut hashed = Hashed { input: rewound(&file)?.into_inner(), digest: Sha256::new() };
            let mut lines = Lines::open(BufReader::with_capacity(BUFFER, &mut hashed), &form, currency)?;
            let (mut count, mut kept) = (0, Some(Vec::new()));
            while let Some(line) = lines.next_line()? {
                count += 1;
                match &mut kept {
                    Some(lines) if lines.len() < KEPT => lines.push(line),
                    _ => kept = None,
                }
            }
            drop(lines);
            Ok(Checked { content: hashed.digest.finalize().into(), lines: count, kept })
        });
        reading.await.unwrap_or_else(|error| Err(std::io::Error::other(error).into()))
    }

    /// Says of each line how it stands to the books as they are now, and what of them was settled before.
    async fn compare(
        &self,
        whose: &str,
        lines: Vec<ReadLine>,
    ) -> Result<(Vec<SettledLine>, SettledBefore), SettlementError> {
        let lines = if whose == CHARGING_SYSTEM {
            self.compare_with_recharges(lines).await?
        } else {
            self.compare_with_topups(whose, lines).await?
        };
        let mut wanted = SettledWants {
            keys: lines.iter().map(|line| line.key(whose)).collect(),
            payments: lines.iter().filter_map(SettledLine::pays).collect(),
        };
        // Side by side in the index too.
        wanted.keys.sort_unstable();
        wanted.payments.sort_unstable();
        let before = self.settlement.settled_before(&wanted).await?;
        Ok((lines, before))
    }

    /// What lines prove about recharges in doubt is told to the ledger first (`domain.md` \[3\]).
    async fn compare_with_recharges(&self, lines: Vec<ReadLine>) -> Result<Vec<SettledLine>, SettlementError> {
        let references: Vec<i64> = lines.iter().filter_map(|read| charging::reference_of(&read.line)).collect();
        let found = self.settlement.recharges_of_references(&references).await?;
        let with_reference = |it: Operation| Some((it.recharge()?.charging_reference?, Arc::new(it)));
        let mut recharges: HashMap<i64, Arc<Operation>> = found.into_iter().filter_map(with_reference).collect();
        let now = self.clock.now();
        let proven = lines.iter().filter_map(|read| {
            let recharge = recharges.get(&charging::reference_of(&read.line)?)?;
            charging::evidence(&read.line, read.subscriber, recharge, now)
        });
        let proven: Vec<_> = proven.collect();
        for moved in futures::future::join_all(proven.into_iter().map(|it| self.resolve(it))).await {
            let reference = moved.as_deref().ok().and_then(|it| it.recharge()?.charging_reference);
            recharges.extend(reference.zip(Some(moved?)));
        }
        let compared = lines.into_iter().map(|ReadLine { line, subscriber, .. }| {
            let recharge = charging::reference_of(&line).and_then(|reference| recharges.get(&reference));
            charging::compared(line, subscriber, recharge.map(|recharge| &**recharge))
        });
        Ok(compared.collect())
    }

    /// Moves a recharge on by evidence; gives it back as it stands then.
    async fn resolve(&self, received: Received) -> Result<Arc<Operation>, SettlementError> {
        match tell(&*self.ledger, RECORD_ACTOR.into(), received).await {
            Ok(operation) => Ok(operation),
            Err(Some(error)) => Err(ServiceError::from(error).into()),
            Err(None) => Err(ServiceError::Internal.into()),
        }
    }

    async fn compare_with_topups(
        &self,
        acquirer: &str,
        lines: Vec<ReadLine>,
    ) -> Result<Vec<SettledLine>, SettlementError> {
        let mut payments = self.payments(lines.iter().filter_map(|read| read.named).collect()).await?;
        let unknown = |named: Option<OperationId>| named.is_none_or(|named| !payments.contains_key(&named));
        let unnamed = lines.iter().filter(|read| unknown(read.named));
        let references: Vec<&str> = unnamed.map(|read| &*read.line.reference).collect();
        let mut bearers = HashMap::new();
        if !references.is_empty() {
            let found = self.settlement.topups_of_references(acquirer, &references).await?;
            bearers.extend(found);
            payments.extend(self.payments(bearers.values().copied().collect()).await?);
        }
        let compared = lines.into_iter().map(|ReadLine { line, named, .. }| {
            let named = named.filter(|named| payments.contains_key(named));
            let operation = named.or_else(|| bearers.get(&line.reference).copied());
            let payment = operation.and_then(|operation| payments.get(&operation));
            let state = payment.map_or(LineState::MissingHere, |payment| state(acquirer, &line, payment));
            SettledLine { state, operation, ..line }
        });
        Ok(compared.collect())
    }

    async fn payments(&self, mut ids: Vec<OperationId>) -> Result<HashMap<OperationId, CardPayment>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        ids.sort_unstable();
        ids.dedup();
        let found = self.settlement.topup_payments(&ids).await?;
        Ok(found.into_iter().map(|topup| (topup.operation, topup.payment)).collect())
    }

    /// Offers a part to the ledger until it is booked.
    async fn book(&self, actor: &Actor, request: BookSettlement) -> Result<SettlementFile, SettlementError> {
        let mut attempts = 0;
        loop {
            let command = Command { actor: actor.clone(), request: Request::BookSettlement(request.clone()) };
            match self.ledger.execute(command).await {
                Ok(Outcome::Put(record)) => {
                    let file = record.body::<SettlementFile>().cloned();
                    return file.ok_or(SettlementError::Service(ServiceError::Internal));
                }
                Ok(_) => return Err(ServiceError::Internal.into()),
                Err(LedgerError::Refused(Refusal::StaleVersion { .. })) => return Err(SettlementError::Busy),
                Err(LedgerError::Overloaded { .. } | LedgerError::Unavailable { .. }) if attempts < ATTEMPTS => {
                    attempts += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(ServiceError::from(error).into()),
            }
        }
    }
}

/// How a line stands to the payment of its top-up.
fn state(acquirer: &str, line: &SettledLine, payment: &CardPayment) -> LineState {
    let known_minor = match line.kind {
        SettledKind::Refill | SettledKind::NotRefilled => 0,
        SettledKind::Payment => payment.captured_minor,
        SettledKind::Refund => payment.refunded_minor,
        // Also once a dispute is won, and nothing is charged back any more.
        SettledKind::Chargeback | SettledKind::ChargebackReversal => payment.disputed_minor,
    };
    let amount_minor = line.gross_minor.abs();
    let fits = match line.kind {
        SettledKind::Payment | SettledKind::Refill | SettledKind::NotRefilled => amount_minor == known_minor,
        // One of several parts.
        SettledKind::Refund | SettledKind::Chargeback | SettledKind::ChargebackReversal => amount_minor <= known_minor,
    };
    if known_minor == 0 || payment.acquirer.as_deref() != Some(acquirer) {
        LineState::MissingHere
    } else if fits {
        LineState::Matched
    } else {
        LineState::AmountDiffers
    }
}

/// Lines of a file as they are read, or why they could not be.
type Part = Result<Vec<ReadLine>, SettlementError>;

/// Reads the lines after the first `booked` ones, part by part, ahead of whoever takes them and as long as somebody does.
/// One part at least, which may be empty.
fn parts(
    file: File,
    form: Arc<Form>,
    currency: Currency,
    kept: Option<Vec<ReadLine>>,
    booked: i64,
) -> mpsc::Receiver<Part> {
    let (read, parts) = mpsc::channel(1);
    tokio::task::spawn_blocking(move || {
        let booked = usize::try_from(booked).unwrap_or(usize::MAX);
        let sent = match kept {
            Some(lines) => send_parts(lines.into_iter().skip(booked).map(Ok), &read),
            None => send_again(&file, &form, currency, booked, &read),
        };
        if let Err(error) = sent {
            // When nobody takes it any more, nobody asks.
            let _ = read.blocking_send(Err(error));
        }
    });
    parts
}

fn send_again(
    file: &File,
    form: &Form,
    currency: Currency,
    booked: usize,
    read: &mpsc::Sender<Part>,
) -> Result<(), SettlementError> {
    let mut lines = Lines::open(rewound(file)?, form, currency)?;
    for _ in 0..booked {
        lines.next_line()?;
    }
    send_parts(std::iter::from_fn(|| lines.next_line().transpose()), read)
}

fn send_parts(
    mut lines: impl Iterator<Item = Result<ReadLine, Misread>>,
    read: &mpsc::Sender<Part>,
) -> Result<(), SettlementError> {
    let mut part: Vec<_> = lines.by_ref().take(PART).collect::<Result<_, _>>()?;
    while read.blocking_send(Ok(part)).is_ok() {
        part = lines.by_ref().take(PART).collect::<Result<_, _>>()?;
        if part.is_empty() {
            break;
        }
    }
    Ok(())
}

fn rewound(file: &File) -> std::io::Result<BufReader<File>> {
    let mut file = file.try_clone()?;
    file.seek(SeekFrom::Start(0))?;
    Ok(BufReader::with_capacity(BUFFER, file))
}

/// Digests what is read.
struct Hashed {
    input: File,
    digest: Sha256,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.digest.update(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::BusinessDay;

    fn line(kind: SettledKind, gross_minor: i64) -> SettledLine {
        SettledLine {
            number: 1,
            reference: "p".into(),
            kind,
            state: LineState::MissingHere,
            operation: None,
            gross_minor,
            fee_minor: 0,
            settled_on: BusinessDay(0),
            posted: true,
        }
    }

    #[tokio::test]
    async fn parts_are_the_same_from_memory_and_from_the_file() {
        let mut file = tempfile::tempfile().unwrap();
        let count = 2 * i64::try_from(PART).unwrap() + 5;
        let mut text = "reference,msisdn,amount,time,result\n".to_owned();
        text.extend((1..=count).map(|number| format!("{number},,20.00,2026-11-22T08:00:00Z,applied\n")));
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        let form = Arc::new(Form::Charging(RecordProfile::default()));
        let mut all = Lines::open(rewound(&file).unwrap(), &form, Currency::MAD).unwrap();
        let all: Vec<_> = std::iter::from_fn(|| all.next_line().unwrap()).collect();
        for (booked, lengths) in [(0, vec![PART, PART, 5]), (7, vec![PART, PART - 2]), (count, vec![0])] {
            for kept in [Some(all.clone()), None] {
                let mut parts = parts(file.try_clone().unwrap(), form.clone(), Currency::MAD, kept, booked);
                let mut found = Vec::new();
                while let Some(part) = parts.recv().await {
                    found.push(part.unwrap());
                }
                assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), lengths);
                assert!(found.iter().flatten().map(|read| read.line.number).eq(booked + 1..=count));
            }
        }
    }

    #[test]
    fn a_line_is_compared_with_what_its_kind_says() {
        use LineState::{AmountDiffers, Matched, MissingHere};
        use SettledKind::{Chargeback, ChargebackReversal, Payment, Refund};
        let payment = CardPayment {
            acquirer: Some("bank".into()),
            captured_minor: 1_000,
            refunded_minor: 400,
            disputed_minor: 600,
            ..CardPayment::default()
        };
        for (kind, gross, expected) in [
            (Payment, 1_000, Matched),
            (Payment, 999, AmountDiffers),
            (Payment, 1_001, AmountDiffers),
            (Refund, -400, Matched),
            (Refund, -100, Matched),
            (Refund, -401, AmountDiffers),
            (Chargeback, -600, Matched),
            (Chargeback, -601, AmountDiffers),
            (ChargebackReversal, 600, Matched),
            (ChargebackReversal, 601, AmountDiffers),
        ] {
            assert_eq!(state("bank", &line(kind, gross), &payment), expected, "{kind:?} {gross}");
            assert_eq!(state("other", &line(kind, gross), &payment), MissingHere);
        }
        assert_eq!(state("bank", &line(Payment, 0), &CardPayment::default()), MissingHere);
    }
}
