//! What is printed at the end.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::Plan;
use super::traffic::Tally;
use crate::domain::{Money, ResellerId};

/// Whether the balances moved by what was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They did, at `outlets`; at `set_aside` others somebody else sold too.
    Agree { outlets: usize, moved: Money, set_aside: usize },
    /// They did not: the first outlet where it shows.
    Differs { outlet: ResellerId, moved: Money, acknowledged: Money, held: Money },
    /// It cannot be told, for this reason.
    Skipped(String),
}

/// What became of the run.
#[derive(Debug)]
pub struct Report {
    pub verdict: Verdict,
    /// Recharges completed, those that were waited for at the end included.
    pub completed: u64,
    /// Completions per second while the load was on.
    pub per_second: f64,
    pub by_http_status: BTreeMap<u16, u64>,
    /// By status, declines with their code.
    pub by_outcome: BTreeMap<String, u64>,
    /// Answers that did not arrive and were asked for again.
    pub lost_answers: u64,
    latency_ms: Option<[f64; 4]>,
    first_refusal: Option<String>,
    heading: String,
}

impl Report {
    pub(super) fn new(plan: &Plan, outlets: usize, tally: Tally, verdict: Verdict) -> Self {
        let latency = &tally.latency_us;
        let quantiles = [0.5, 0.95, 0.99, 1.0];
        Self {
            completed: tally.completed(),
            per_second: per_second(tally.completed_in_time, plan.duration),
            latency_ms: (!latency.is_empty()).then(|| quantiles.map(|q| milliseconds(latency.value_at_quantile(q)))),
            heading: format!(
                "{} connections, {} outlets, {} s, fault share {}",
                plan.connections,
                outlets,
                plan.duration.as_secs_f64(),
                plan.fault_share
            ),
            verdict,
            by_http_status: tally.by_http_status,
            by_outcome: tally.by_outcome,
            lost_answers: tally.lost_answers,
            first_refusal: tally.first_refusal,
        }
    }

    /// Whether something completed and the balances do not contradict it.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.completed > 0 && !matches!(self.verdict, Verdict::Differs { .. })
    }
}

#[expect(clippy::cast_precision_loss, reason = "a run has far fewer recharges than 2^52")]
pub(super) fn per_second(count: u64, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64().max(0.001)
}

#[expect(clippy::cast_precision_loss, reason = "latencies end at two minutes")]
fn milliseconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1_000.0
}

impl fmt::Display for Report {
    /// A table; the last line is `<number> recharges/s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.heading)?;
        if let Some([p50, p95, p99, max]) = self.latency_ms {
            writeln!(f, "{:14}p50 {p50:.2}   p95 {p95:.2}   p99 {p99:.2}   max {max:.2}", "latency, ms")?;
        }
        for (status, count) in &self.by_http_status {
            writeln!(f, "{:14}{count:>12}", format!("HTTP {status}"))?;
        }
        for (outcome, count) in &self.by_outcome {
            writeln!(f, "{:14}{count:>12}  {outcome}", "recharges")?;
        }
        if self.lost_answers > 0 {
            writeln!(f, "{:14}{:>12}  asked for again with the same external_id", "answers lost", self.lost_answers)?;
        }
        if let Some(refusal) = &self.first_refusal {
            writeln!(f, "{:14}{refusal}", "first refusal")?;
        }
        writeln!(f, "{:14}{}", "balances", self.verdict)?;
        write!(f, "{:.0} recharges/s", self.per_second)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agree { outlets, moved, set_aside } => {
                write!(f, "agree: {outlets} outlets moved by {moved} {}, as acknowledged", moved.currency())?;
                if *set_aside > 0 {
                    write!(f, "; {set_aside} outlets with other traffic set aside")?;
                }
                Ok(())
            }
            Self::Differs { outlet, moved, acknowledged, held } => write!(
                f,
                "DIFFER: {outlet} moved by {moved} and holds {held}, but {acknowledged} was acknowledged; \
                 if transfers or allocations ran meanwhile, run again without them"
            ),
            Self::Skipped(why) => write!(f, "not checked: {why}"),
        }
    }
}
