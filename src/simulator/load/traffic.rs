//! The workers: each keeps one connection busy, one recharge after the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hdrhistogram::Histogram;
use hyper::header::HeaderValue;
use hyper::{Method, StatusCode};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::connection::{Answer, Body, Connection, Target};
use super::orders::{Order, Orders};
use super::session::Session;

/// A recharge that may have been stored is asked for again this long before it is given up.
const GIVE_UP_AFTER: Duration = Duration::from_mins(1);
/// Pause before a lost answer is asked for again.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// However long a server asks to wait, a load generator soon comes back.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What all workers share.
pub(super) struct Traffic {
    target: Arc<Target>,
    session: Session,
    pub(super) orders: Orders,
    until: Instant,
    completed: AtomicU64,
}

/// An operation that had no outcome when it was answered.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) id: String,
    pub(super) outlet: usize,
    pub(super) amount_minor: i64,
    pub(super) status: String,
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Tally {
    /// Microseconds from the first attempt to the answer.
    pub(super) latency_us: Histogram<u64>,
    pub(super) by_http_status: BTreeMap<u16, u64>,
    /// By status, declines with their code.
    pub(super) by_outcome: BTreeMap<String, u64>,
    /// Completed when the time was not over yet.
    pub(super) completed_in_time: u64,
    /// Acknowledged as completed, by outlet.
    pub(super) completed_minor: Vec<i64>,
    pub(super) open: Vec<Open>,
    /// Answers that did not arrive and were asked for again.
    pub(super) lost_answers: u64,
    /// Recharges that never got an answer, although they may have been stored.
    pub(super) unanswered: u64,
    /// What the first refusal said.
    pub(super) first_refusal: Option<String>,
}

/// What is read of a recharge.
#[derive(Deserialize)]
pub(super) struct Recharge {
    pub(super) id: String,
    pub(super) status: String,
    #[serde(default)]
    decline: Option<Decline>,
}

#[derive(Deserialize)]
struct Decline {
    code: String,
}

impl Recharge {
    /// Whether an outcome is still to come.
    pub(super) fn is_open(&self) -> bool {
        matches!(&*self.status, "submitted" | "in_doubt")
    }
}

/// What to do after an attempt.
enum Next {
    Done,
    /// Nothing was stored: come back after a pause, or not at all.
    Refused(Duration),
    /// What became of it is unknown: the same key must be asked for again.
    Unknown,
    TokenRefused,
}

impl Traffic {
    pub(super) fn new(target: Arc<Target>, session: Session, orders: Orders, until: Instant) -> Self {
        Self { target, session, orders, until, completed: AtomicU64::new(0) }
    }

    /// Completed so far.
    pub(super) fn completed(&self) -> u64 {
        self.completed.load(Ordering::Relaxed)
    }

    /// Keeps one connection busy until the time is over.
    pub(super) async fn work(self: Arc<Self>) -> Tally {
        let mut tally = Tally::new(self.orders.outlets());
        let mut connection = Connection::new(&self.target);
        let mut bearer = self.session.bearer();
        while Instant::now() < self.until {
            self.recharge(&self.orders.next(), &mut connection, &mut bearer, &mut tally).await;
        }
        tally
    }

    /// Asks for one recharge until it is answered or given up.
    async fn recharge(
        &self,
        order: &Order,
        connection: &mut Connection<'_>,
        bearer: &mut watch::Receiver<HeaderValue>,
        tally: &mut Tally,
    ) {
        let started = Instant::now();
        let mut may_be_stored = false;
        loop {
            let token = bearer.borrow_and_update().clone();
            let body = Body::Json(self.orders.json(order));
            let next = match connection.send(Method::POST, "/v1/recharges", Some(&token), body).await {
                Ok(answer) => self.count(order, started, &answer, tally),
                Err(_) => {
                    tally.lost_answers += 1;
                    Next::Unknown
                }
            };
            let pause = match next {
                Next::Done => return,
                Next::Refused(pause) => pause,
                Next::TokenRefused => {
                    // The next token arrives in its own time; without a new one the old is tried again.
                    let _ = timeout(LONGEST_PAUSE, bearer.changed()).await;
                    Duration::ZERO
                }
                Next::Unknown => {
                    may_be_stored = true;
                    RETRY_PAUSE
                }
            };
            let now = Instant::now();
            if may_be_stored && now > started + GIVE_UP_AFTER {
                tally.unanswered += 1;
                return;
            }
            if !may_be_stored && now + pause >= self.until {
                return;
            }
            sleep(pause).await;
        }
    }

    fn count(&self, order: &Order, started: Instant, answer: &Answer, tally: &mut Tally) -> Next {
        let status = answer.status;
        *tally.by_http_status.entry(status.as_u16()).or_default() += 1;
        if !status.is_success() {
            tally.first_refusal.get_or_insert_with(|| format!("{}: {}", status.as_u16(), answer.problem()));
            return match status {
                StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                    Next::Refused(answer.retry_after.unwrap_or(RETRY_PAUSE).min(LONGEST_PAUSE))
                }
                StatusCode::UNAUTHORIZED => Next::TokenRefused,
                status if status.is_server_error() => Next::Unknown,
                _ => Next::Done,
            };
        }
        let Ok(recharge) = serde_json::from_slice::<Recharge>(&answer.body) else {
            tally.first_refusal.get_or_insert_with(|| "an answer is not a recharge of the contract".to_owned());
            tally.unanswered += 1;
            return Next::Done;
        };
        let now = Instant::now();
        tally.latency_us.saturating_record(u64::try_from((now - started).as_micros()).unwrap_or(u64::MAX));
        if recharge.is_open() {
            let Order { outlet, amount_minor, .. } = *order;
            tally.open.push(Open { id: recharge.id, outlet, amount_minor, status: recharge.status });
            return Next::Done;
        }
        if tally.count_final(&recharge, order.outlet, order.amount_minor) {
            self.completed.fetch_add(1, Ordering::Relaxed);
            tally.completed_in_time += u64::from(now < self.until);
        }
        Next::Done
    }
}

impl Tally {
    pub(super) fn new(outlets: usize) -> Self {
        Self {
            // Up to two minutes, to three digits.
            latency_us: Histogram::new_with_bounds(1, 120_000_000, 3).expect("the bounds are fixed"),
            by_http_status: BTreeMap::new(),
            by_outcome: BTreeMap::new(),
            completed_in_time: 0,
            completed_minor: vec![0; outlets],
            open: Vec::new(),
            lost_answers: 0,
            unanswered: 0,
            first_refusal: None,
        }
    }

    /// Counts a final outcome; whether it is a completion.
    pub(super) fn count_final(&mut self, recharge: &Recharge, outlet: usize, amount_minor: i64) -> bool {
        let completed = recharge.status == "completed";
        if completed {
            self.completed_minor[outlet] += amount_minor;
        }
        match &recharge.decline {
            None => self.count_outcome(&recharge.status, 1),
            Some(decline) => self.count_outcome(&format!("{} ({})", recharge.status, decline.code), 1),
        }
        completed
    }

    pub(super) fn count_outcome(&mut self, name: &str, times: u64) {
        match self.by_outcome.get_mut(name) {
            Some(count) => *count += times,
            None => drop(self.by_outcome.insert(name.to_owned(), times)),
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.latency_us.add(&other.latency_us).expect("all histograms have the same bounds");
        for (status, count) in other.by_http_status {
            *self.by_http_status.entry(status).or_default() += count;
        }
        for (name, count) in other.by_outcome {
            self.count_outcome(&name, count);
        }
        for (sum, minor) in self.completed_minor.iter_mut().zip(other.completed_minor) {
            *sum += minor;
        }
        self.completed_in_time += other.completed_in_time;
        self.open.extend(other.open);
        self.lost_answers += other.lost_answers;
        self.unanswered += other.unanswered;
        self.first_refusal = self.first_refusal.take().or(other.first_refusal);
    }

    /// Recharges completed, those that were waited for included.
    pub(super) fn completed(&self) -> u64 {
        self.by_outcome.get("completed").copied().unwrap_or(0)
    }
}
