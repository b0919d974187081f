//! `taabia load`: keeps connections busy with recharges and, at the end, compares how the balances moved
//! with what the server acknowledged.
//!
//! It runs on the same cores as the server it measures, so it speaks HTTP/1.1 over one connection per task,
//! writes its bodies by hand and reads of an answer only what it counts.

mod books;
mod connection;
mod orders;
mod report;
mod session;
mod traffic;

use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use secrecy::SecretString;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::ports::Randomness;
use books::Books;
use connection::{Connection, Target};
use orders::Orders;
use session::Session;
use traffic::{Tally, Traffic};

pub use report::{Report, Verdict};

/// What to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// `http://HOST:PORT`
    pub url: String,
    pub client_id: String,
    pub client_secret: SecretString,
    pub connections: u16,
    pub duration: Duration,
    /// Share of the numbers whose endings make the charging simulator misbehave, 0 to 1.
    pub fault_share: f64,
    /// How long operations without an outcome are waited for at the end.
    pub settle_within: Duration,
}

/// Why there was no load, or why it ended early.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("{0}: expected http://HOST:PORT; the load generator speaks plain HTTP, so run it beside the server")]
    Url(String),
    #[error("{url} cannot be reached: {reason}")]
    Unreachable { url: String, reason: String },
    #[error("{call} was answered with {status}: {detail}")]
    Refused { call: String, status: u16, detail: String },
    #[error("{call} was answered with something else than the contract says: {detail}")]
    Unexpected { call: String, detail: String },
    #[error("none of the client's {0} resellers has stock to sell from")]
    NoStock(usize),
}

/// Carries out `plan`.
///
/// # Errors
/// [`LoadError`] when it cannot begin or the server went away for good.
pub async fn run(plan: &Plan, randomness: &dyn Randomness) -> Result<Report, LoadError> {
    let target = Arc::new(Target::parse(&plan.url)?);
    let session = Session::open(&target, &plan.client_id, &plan.client_secret).await?;
    let resellers = session.resellers(&mut Connection::new(&target)).await?;
    let before = Books::open(&target, &session, &resellers).await?;
    if before.outlets().is_empty() {
        return Err(LoadError::NoStock(resellers.len()));
    }
    let mut label = [0; 5];
    randomness.fill(&mut label);
    let mut offset = [0; 8];
    randomness.fill(&mut offset);
    let orders = Orders::new(&label, u64::from_le_bytes(offset), before.outlets(), before.currency(), plan.fault_share);
    let traffic = Arc::new(Traffic::new(target, session, orders, Instant::now() + plan.duration));

    let mut tally = busy(plan, &traffic).await;
    let waiting = spinner(format!("waiting for {} operations without an outcome", tally.open.len()));
    let settled = before.settle(&mut tally, plan.settle_within).await;
    waiting.finish_and_clear();
    let verdict = match settled {
        Ok(()) => before.compare(&tally, traffic.orders.prefix()).await?,
        Err(why) => Verdict::Skipped(why),
    };
    Ok(Report::new(plan, before.outlets().len(), tally, verdict))
}

/// Keeps the connections busy until the time is over and each has its last answer.
async fn busy(plan: &Plan, traffic: &Arc<Traffic>) -> Tally {
    let bar = ProgressBar::new(plan.duration.as_secs().max(1))
        .with_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} s  {msg}").expect("the template is fixed"));
    let mut workers = JoinSet::new();
    for _ in 0..plan.connections {
        workers.spawn(Arc::clone(traffic).work());
    }
    let mut total = Tally::new(traffic.orders.outlets());
    let (started, mut ticks) = (Instant::now(), tokio::time::interval(Duration::from_millis(200)));
    loop {
        tokio::select! {
            worker = workers.join_next() => match worker {
                None => break,
                Some(tally) => total.add(tally.expect("a worker neither panics nor is aborted")),
            },
            _ = ticks.tick() => {
                let elapsed = started.elapsed();
                bar.set_position(elapsed.as_secs().min(plan.duration.as_secs()));
                let completed = traffic.completed();
                bar.set_message(format!("{completed} completed, {:.0}/s", report::per_second(completed, elapsed)));
            }
        }
    }
    bar.finish_and_clear();
    total
}

fn spinner(message: String) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(message);
    spinner.enable_steady_tick(Duration::from_millis(200));
    spinner
}
