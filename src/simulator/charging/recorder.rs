//! The one writer of the books: a thread that takes whatever refills are waiting, writes them with one fsync,
//! and only then shows and answers them. The previous fsync's duration is the window, so the record is
//! durable before every answer without being what limits the simulator.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;

use tokio::sync::{mpsc, oneshot};

use super::super::record::RecordFile;
use super::books::{Books, Entry, Reference, Refill, WrittenEntry};
use super::ending::Verdict;

const MAX_WAITING: usize = 4_096;
const MAX_BATCH: usize = 1_024;

/// What is known of a refill once it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Recorded {
    pub entry: Entry,
    /// Its reference had come before.
    pub repeated: bool,
}

/// Why a refill was not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotRecorded {
    /// The reference stands for another refill.
    OtherContent,
    /// The record failed: nothing is known of its end, so nothing more is written.
    Failed,
}

type Answer = Result<Recorded, NotRecorded>;

struct Order {
    reference: Reference,
    refill: Refill,
    verdict: Verdict,
    answer: oneshot::Sender<Answer>,
}

/// Hands refills to the thread.
#[derive(Clone)]
pub(super) struct Recorder(mpsc::Sender<Order>);

impl Recorder {
    /// The thread ends when all handles are gone.
    pub(super) fn spawn(
        books: Arc<RwLock<Books>>,
        file: Option<RecordFile>,
        deduplicate: bool,
    ) -> io::Result<(Self, thread::JoinHandle<()>)> {
        let (sender, orders) = mpsc::channel(MAX_WAITING);
        let writer = Writer { orders, carried: None, books, file, deduplicate };
        let thread = thread::Builder::new().name("charging-record".into()).spawn(move || writer.run())?;
        Ok((Self(sender), thread))
    }

    /// Records the refill; durable when it returns.
    pub(super) async fn record(&self, reference: Reference, refill: Refill, verdict: Verdict) -> Answer {
        let (answer, recorded) = oneshot::channel();
        let order = Order { reference, refill, verdict, answer };
        self.0.send(order).await.map_err(|_| NotRecorded::Failed)?;
        recorded.await.unwrap_or(Err(NotRecorded::Failed))
    }
}

struct Writer {
    orders: mpsc::Receiver<Order>,
    carried: Option<Order>,
    books: Arc<RwLock<Books>>,
    file: Option<RecordFile>,
    deduplicate: bool,
}

impl Writer {
    fn run(mut self) {
        while let Some(first) = self.carried.take().or_else(|| self.orders.blocking_recv()) {
            let batch = self.gather(first);
            if let Err(error) = self.write(batch) {
                // Dropping the orders answers all who wait, and all who come, with a failure.
                tracing::error!(%error, "the charging record failed; the simulator records nothing more");
                return;
            }
        }
    }

    /// Whatever is waiting. A reference comes once per batch, and a reversal comes first: the order sees the effect of
    /// those before it.
    fn gather(&mut self, first: Order) -> Vec<Order> {
        let mut references = HashSet::from([first.reference.clone()]);
        let mut batch = vec![first];
        while batch.len() < MAX_BATCH
            && let Ok(order) = self.orders.try_recv()
        {
            if order.refill.amount_minor < 0 || !references.insert(order.reference.clone()) {
                self.carried = Some(order);
                break;
            }
            batch.push(order);
        }
        batch
    }

    fn write(&mut self, batch: Vec<Order>) -> io::Result<()> {
        let decided: Vec<Answer> = {
            let books = self.books.read().unwrap_or_else(PoisonError::into_inner);
            batch.iter().map(|order| decide(&books, order, self.deduplicate)).collect()
        };
        let changes = || {
            let decisions = batch.iter().zip(&decided);
            decisions.filter_map(|(order, answer)| match answer {
                Ok(recorded) if is_change(recorded, self.deduplicate) => Some((&order.reference, recorded.entry)),
                _ => None,
            })
        };
        if let Some(file) = &mut self.file {
            let mut lines = Vec::new();
            for (reference, entry) in changes() {
                serde_json::to_writer(&mut lines, &WrittenEntry::new(reference, &entry))?;
                lines.push(b'\n');
            }
            if !lines.is_empty() {
                file.append(&lines)?;
            }
        }
        let mut books = self.books.write().unwrap_or_else(PoisonError::into_inner);
        for (reference, entry) in changes() {
            books.put(reference.clone(), entry);
        }
        drop(books);
        for (order, answer) in batch.into_iter().zip(decided) {
            // A caller that has gone is not told.
            let _gone = order.answer.send(answer);
        }
        Ok(())
    }
}

/// The entry as it will be.
fn decide(books: &Books, order: &Order, deduplicate: bool) -> Answer {
    let Refill { msisdn, amount_minor, .. } = order.refill;
    let spent = amount_minor < 0 && books.balance(msisdn) + i128::from(amount_minor) < 0;
    match books.get(&order.reference) {
        None => {
            let verdict = if spent && order.verdict.applies() { Verdict::CreditSpent } else { order.verdict };
            let entry = Entry { refill: order.refill, verdict, applied: u32::from(verdict.applies()) };
            Ok(Recorded { entry, repeated: false })
        }
        Some(known) if known.refill != order.refill => Err(NotRecorded::OtherContent),
        Some(known) if deduplicate => Ok(Recorded { entry: *known, repeated: true }),
        Some(known) => {
            let effect = u32::from(order.verdict.applies() && !spent);
            let entry = Entry { applied: known.applied.saturating_add(effect), ..*known };
            Ok(Recorded { entry, repeated: true })
        }
    }
}

/// Whether there is something to write.
fn is_change(recorded: &Recorded, deduplicate: bool) -> bool {
    !recorded.repeated || (!deduplicate && recorded.entry.verdict.applies())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Currency, Msisdn};

    fn refill(amount_minor: i64) -> Refill {
        let msisdn = Msisdn::from_digits(212_612_345_678).unwrap();
        Refill { msisdn, amount_minor, currency: Currency::MAD }
    }

    async fn apply_64_times(deduplicate: bool) -> (u32, usize) {
        let books = Arc::new(RwLock::new(Books::default()));
        let (recorder, thread) = Recorder::spawn(Arc::clone(&books), None, deduplicate).unwrap();
        let all = (0..64).map(|_| recorder.record("7".parse().unwrap(), refill(500), Verdict::Approved));
        let answers = futures::future::join_all(all).await;
        let repeats = answers.iter().filter(|answer| answer.unwrap().repeated).count();
        drop(recorder);
        thread.join().unwrap();
        let applied = books.read().unwrap().get(&"7".parse().unwrap()).unwrap().applied;
        (applied, repeats)
    }

    #[tokio::test]
    async fn one_reference_at_once_many_times() {
        assert_eq!(apply_64_times(false).await, (64, 63));
        assert_eq!(apply_64_times(true).await, (1, 63));
    }

    #[tokio::test]
    async fn a_reference_stands_for_one_refill() {
        let (recorder, _thread) = Recorder::spawn(Arc::default(), None, false).unwrap();
        let record = |amount_minor| recorder.record("7".parse().unwrap(), refill(amount_minor), Verdict::Approved);
        assert_eq!(record(500).await.unwrap().entry.applied, 1);
        assert_eq!(record(501).await, Err(NotRecorded::OtherContent));
        assert_eq!(record(500).await.unwrap().entry.applied, 2);
    }

    #[tokio::test]
    async fn no_more_is_taken_back_than_there_is() {
        let (recorder, _thread) = Recorder::spawn(Arc::default(), None, false).unwrap();
        let record = |reference: &str, amount_minor| {
            recorder.record(reference.parse().unwrap(), refill(amount_minor), Verdict::Approved)
        };
        record("1", 500).await.unwrap();
        let references: Vec<_> = (2..12).map(|number| number.to_string()).collect();
        let all = futures::future::join_all(references.iter().map(|reference| record(reference, -100))).await;
        let taken = all.iter().filter(|answer| answer.unwrap().entry.verdict == Verdict::Approved).count();
        assert_eq!(taken, 5, "of ten");
        assert_eq!(record("20", -1).await.unwrap().entry.verdict, Verdict::CreditSpent);
    }

    #[tokio::test]
    async fn what_cannot_be_written_did_not_happen() {
        let full = std::fs::OpenOptions::new().append(true).open("/dev/full").unwrap();
        let books = Arc::new(RwLock::new(Books::default()));
        let (recorder, thread) = Recorder::spawn(Arc::clone(&books), Some(RecordFile::on(full)), false).unwrap();
        let record = |reference: &str| recorder.record(reference.parse().unwrap(), refill(500), Verdict::Approved);
        assert_eq!(record("7").await, Err(NotRecorded::Failed));
        assert_eq!(record("8").await, Err(NotRecorded::Failed), "nothing is written after a failure");
        thread.join().unwrap();
        assert_eq!(books.read().unwrap().summary().count, 0);
    }
}
