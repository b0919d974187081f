//! All payments of the simulator, its record, and what is due.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::super::record::{RecordError, RecordFile};
use super::payment::{DisputeStatus, Payment, Refused};

const FILE_NAME: &str = "payments.jsonl";

/// Sums of one currency, of what was moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Sums {
    pub captured_count: u64,
    pub captured_minor: i128,
    pub refunded_count: u64,
    pub refunded_minor: i128,
    /// Disputes that were not won.
    pub charged_back_count: u64,
    pub charged_back_minor: i128,
}

#[derive(Debug, Default)]
struct Contents {
    payments: BTreeMap<String, Payment>,
    orders: HashMap<String, String>,
    /// What is due, and of which order.
    agenda: BTreeSet<(i64, String)>,
}

impl Contents {
    fn put(&mut self, payment: Payment) {
        let order = payment.asked.order.clone();
        if let Some(due) = self.payments.get(&order).and_then(Payment::due_ms) {
            self.agenda.remove(&(due, order.clone()));
        }
        if let Some(due) = payment.due_ms() {
            self.agenda.insert((due, order.clone()));
        }
        self.orders.insert(payment.reference.clone(), order.clone());
        self.payments.insert(order, payment);
    }
}

/// Why nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotChanged {
    NotKnown,
    Refused(Refused),
    /// The record failed: nothing is known of its end, so nothing more is written.
    RecordFailed,
}

/// The books; a change is durable before it is seen.
#[derive(Clone)]
pub(super) struct Books {
    contents: Arc<Mutex<Contents>>,
    /// One change at a time. `None` once the record failed.
    record: Arc<tokio::sync::Mutex<Option<Record>>>,
}

enum Record {
    InMemory,
    File(Arc<Mutex<RecordFile>>),
}

impl Books {
    pub(super) fn in_memory() -> Self {
        Self { contents: Arc::default(), record: Arc::new(tokio::sync::Mutex::new(Some(Record::InMemory))) }
    }

    /// Opens or creates the record under `directory` and reads it.
    pub(super) fn open(directory: &Path) -> Result<Self, RecordError> {
        let mut contents = Contents::default();
        let file = RecordFile::open(directory, FILE_NAME, |line| {
            serde_json::from_slice(line).map(|payment| contents.put(payment)).is_ok()
        })?;
        let record = Some(Record::File(Arc::new(Mutex::new(file))));
        Ok(Self { contents: Arc::new(Mutex::new(contents)), record: Arc::new(tokio::sync::Mutex::new(record)) })
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        // Nothing in here panics halfway through a change.
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, order: &str) -> Option<Payment> {
        self.contents().payments.get(order).cloned()
    }

    pub(super) fn by_reference(&self, reference: &str) -> Option<Payment> {
        let contents = self.contents();
        contents.payments.get(contents.orders.get(reference)?).cloned()
    }

    /// The payment of this order, made by `make` if there is none yet; and whether it was there.
    pub(super) async fn get_or_make(
        &self,
        order: &str,
        make: impl FnOnce() -> Payment,
    ) -> Result<(Payment, bool), NotChanged> {
        let mut record = self.record.lock().await;
        if let Some(known) = self.get(order) {
            return Ok((known, true));
        }
        let payment = make();
        self.keep(&mut record, payment.clone()).await?;
        Ok((payment, false))
    }

    /// Changes the payment, and gives it as it then is.
    pub(super) async fn change(
        &self,
        order: &str,
        change: impl FnOnce(&mut Payment) -> Result<(), Refused>,
    ) -> Result<Payment, NotChanged> {
        let mut record = self.record.lock().await;
        let before = self.get(order).ok_or(NotChanged::NotKnown)?;
        let mut after = before.clone();
        change(&mut after).map_err(NotChanged::Refused)?;
        if after != before {
            self.keep(&mut record, after.clone()).await?;
        }
        Ok(after)
    }

    async fn keep(&self, record: &mut Option<Record>, payment: Payment) -> Result<(), NotChanged> {
        let written = match record {
            None => return Err(NotChanged::RecordFailed),
            Some(Record::InMemory) => Ok(()),
            Some(Record::File(file)) => {
                let mut line = serde_json::to_vec(&payment).expect("a payment is JSON");
                line.push(b'\n');
                let file = Arc::clone(file);
                let append = move || file.lock().unwrap_or_else(PoisonError::into_inner).append(&line);
                tokio::task::spawn_blocking(append).await.map_err(io::Error::other).flatten()
            }
        };
        if let Err(error) = written {
            tracing::error!(%error, "the acquirer's record failed; the simulator records nothing more");
            *record = None;
            return Err(NotChanged::RecordFailed);
        }
        self.contents().put(payment);
        Ok(())
    }

    /// Orders of which something is due, earliest first.
    pub(super) fn due(&self, now_ms: i64) -> Vec<String> {
        let contents = self.contents();
        contents.agenda.iter().take_while(|(due, _)| *due <= now_ms).map(|(_, order)| order.clone()).collect()
    }

    /// Payments by order, beginning after `after`.
    pub(super) fn page(&self, after: Option<&str>, limit: usize) -> Vec<Payment> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.contents().payments.range::<str, _>((from, Bound::Unbounded)).take(limit).map(|(_, p)| p.clone()).collect()
    }

    pub(super) fn sums(&self) -> BTreeMap<String, Sums> {
        let mut all: BTreeMap<String, Sums> = BTreeMap::new();
        for payment in self.contents().payments.values() {
            let sums = all.entry(payment.asked.currency.clone()).or_default();
            if payment.captured_ms.is_some() {
                sums.captured_count += 1;
                sums.captured_minor += i128::from(payment.captured_minor);
            }
            sums.refunded_count += payment.refunds.len() as u64;
            sums.refunded_minor += i128::from(payment.refunded_minor());
            if let Some(dispute) = payment.dispute.as_ref().filter(|dispute| dispute.status != DisputeStatus::Won) {
                sums.charged_back_count += 1;
                sums.charged_back_minor += i128::from(dispute.amount_minor);
            }
        }
        all
    }

    /// Gives every payment to `take`, by order.
    pub(super) fn for_each(&self, take: impl FnMut(&Payment)) {
        self.contents().payments.values().for_each(take);
    }
}
