//! Carries out runs: every line an allocation of its own through the engine, many at once.
//!
//! A line's key is derived from the run and its number, so carrying it out again, on any node and after any end, is a
//! replay. A run that this node began is carried out at once; one that another node began is taken over when it came no
//! further for a while, or its node is gone. Lines go shard by shard, so that a batch locks the operator's shard and
//! one more, and leaves the others to recharges.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::domain::{ClientId, Line, Operation, OperationId, OperationKind, Run, RunLine, RunTotals, Shard};
use crate::ledger::command::{Actor, AllocateStock, Command, FinishRun, Request};
use crate::ledger::run::line_key;
use crate::ports::{Clock, Ledger, LedgerError, Randomness, Reads, StockReads, StoreError, draw_operation};
use crate::services::allocations::OwnRuns;

/// How runs are carried out.
#[derive(Clone, Debug)]
pub struct RunConfig {
    pub poll_interval_ms: u64,
    /// A run that another node began is taken over when it came no further for so long.
    pub take_over_after_ms: u64,
    /// Lines under way at once.
    pub in_flight: usize,
}

/// What the job needs of the world.
pub struct RunJob {
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn Reads>,
    pub stock: Arc<dyn StockReads>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
    pub own: Arc<OwnRuns>,
    pub shards: u16,
    pub config: RunConfig,
}

/// Lines read at once.
const PAGE: u32 = 5_000;
/// Between two attempts at a line; what it waits for may end earlier than it was told.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl RunJob {
    /// Works until `stop` turns true or its sender is gone.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut seen = HashMap::new();
        loop {
            let sweep = self.sweep(&mut seen, &stop);
            if let Err(error) = sweep.await {
                tracing::warn!(error = %error, "runs cannot be read from the store");
            }
            let pause = Duration::from_millis(self.config.poll_interval_ms);
            tokio::select! {
                _ = stop.wait_for(|stopped| *stopped) => return,
                _ = timeout(pause, self.own.wake.notified()) => {}
            }
        }
    }

    /// Carries out what is this node's by now.
    async fn sweep(
        &self,
        seen: &mut HashMap<OperationId, (RunTotals, Instant)>,
        stop: &watch::Receiver<bool>,
    ) -> Result<(), StoreError> {
        let running = self.stock.running_runs().await?;
        seen.retain(|run, _| running.contains(run));
        for run in running {
            if *stop.borrow() {
                return Ok(());
            }
            if self.own.has(run) || self.stands_still(run, seen).await? {
                self.carry_out(run, stop).await?;
                self.own.remove(run);
            }
        }
        Ok(())
    }

    /// Whether a run came no further since it was first seen like this.
    async fn stands_still(
        &self,
        run: OperationId,
        seen: &mut HashMap<OperationId, (RunTotals, Instant)>,
    ) -> Result<bool, StoreError> {
        let totals = self.stock.run_progress(run).await?;
        let now = Instant::now();
        let (before, since) = seen.entry(run).or_insert((totals, now));
        if *before != totals {
            (*before, *since) = (totals, now);
        }
        Ok(now.duration_since(*since) >= Duration::from_millis(self.config.take_over_after_ms))
    }

    /// Carries out the lines that are open, then closes the run. What cannot be done now is left for the next sweep.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn carry_out(&self, id: OperationId, stop: &watch::Receiver<bool>) -> Result<(), StoreError> {
        let Some(operation) = self.reads.operation(id).await? else { return Ok(()) };
        let Some(run) = operation.run().filter(|run| run.totals.is_none()) else { return Ok(()) };
        tracing::info!(run.id = OperationKind::AllocationRun.render(id), lines = run.lines, "a run is carried out");
        let actor: Actor = match run.started_by {
            ClientId::COMMAND_LINE => "operator:command_line".into(),
            client => format!("client:{client}").into(),
        };
        let lines = self.open_lines(id).await?;
        let complete = futures::stream::iter(lines)
            .map(|line| self.line(&operation, run, &actor, line, stop))
            .buffer_unordered(self.config.in_flight.max(1))
            .all(|done| async move { done })
            .await;
        if complete {
            self.finish(&operation, run, actor).await?;
        }
        Ok(())
    }

    /// What is left to do, shard by shard.
    async fn open_lines(&self, run: OperationId) -> Result<Vec<Line>, StoreError> {
        let mut lines: Vec<Line> = Vec::new();
        loop {
            let after = lines.last().map_or(0, |line| line.number);
            let page = self.stock.run_lines(run, after, PAGE, true).await?;
            let complete = page.len() < PAGE as usize;
            lines.extend(page.into_iter().map(|state| state.line));
            if complete {
                break;
            }
        }
        lines.sort_by_key(|line| (line.shard(self.shards), line.number));
        Ok(lines)
    }

    /// Whether the line came to its end; `false` when it must be tried again later.
    async fn line(
        &self,
        operation: &Operation,
        run: &Run,
        actor: &Actor,
        line: Line,
        stop: &watch::Receiver<bool>,
    ) -> bool {
        let Some(to) = line.reseller else { return true };
        let allocate = AllocateStock {
            operation: draw_operation(&*self.clock, &*self.randomness, Shard::OPERATOR),
            external_id: line_key(operation.id, line.number),
            to,
            asked: line.asked,
            terms: run.terms,
            reason: run.reason.clone(),
            run: Some(RunLine { run: operation.id, number: line.number }),
        };
        let command = Command { actor: actor.clone(), request: Request::AllocateStock(allocate) };
        while !*stop.borrow() {
            match self.ledger.execute(command.clone()).await {
                Ok(_) => return true,
                Err(
                    LedgerError::Overloaded { retry_after_s }
                    | LedgerError::Unavailable { retry_after_s }
                    | LedgerError::Recovering { retry_after_s },
                ) => {
                    tokio::time::sleep(Duration::from_secs(retry_after_s.into()).min(LONGEST_PAUSE)).await;
                }
                // Its key was taken by another request, or its reseller is gone: it stays without an allocation.
                Err(LedgerError::Refused(refusal)) => {
                    tracing::warn!(line = line.number, %refusal, "a line cannot be carried out");
                    return true;
                }
                Err(LedgerError::Internal) => return false,
            }
        }
        false
    }

    /// Closes the run with what its allocations came to; lines without one are refused.
    async fn finish(&self, operation: &Operation, run: &Run, actor: Actor) -> Result<(), StoreError> {
        let RunTotals { done, amount_minor, .. } = self.stock.run_progress(operation.id).await?;
        let totals = RunTotals { done, refused: run.lines - done, amount_minor };
        let request = Request::FinishRun(FinishRun { operation: operation.id, totals });
        if let Err(error) = self.ledger.execute(Command { actor, request }).await {
            tracing::warn!(%error, "a run is not closed yet");
        }
        Ok(())
    }
}
