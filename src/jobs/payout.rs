//! The payout job: what has accrued as commission is paid out, once per period and account.
//!
//! It works on every node. The key of a payout names period, shard and account, so several nodes and a restart in the
//! middle pay each once; what accrues after that, or could not be paid, waits for the next period.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::domain::catalogue::PayIn;
use crate::domain::{Account, AccountClass, AccountNumber, OperationKind, Shard, Status};
use crate::ledger::command::{Command, Outcome, PayCommission, Request};
use crate::ports::{Clock, Ledger, LedgerError, Randomness, Reads, StoreError, draw_operation};

/// How the job works.
#[derive(Clone, Debug)]
pub struct PayoutConfig {
    /// Length of a period, in seconds since 1970 UTC; zero pays nothing.
    pub every_s: i64,
    pub shards: u16,
    /// Payouts at the same time.
    pub concurrency: usize,
}

/// What the job needs of the world.
pub struct PayoutJob {
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn Reads>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
    pub config: PayoutConfig,
}

/// Accounts of one page.
const PAGE: u32 = 500;
/// How often it looks whether a period has begun.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paid {
    pub paid: u64,
    /// Declined, not answered, or accrued since the account was paid in this period: it waits for the next.
    pub left: u64,
}

impl PayoutJob {
    /// Pays at the start, which finishes what a restart cut off, and whenever a period begins, until `stop` turns true
    /// or its sender is gone.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut done = None;
        loop {
            let period = self.period();
            if period.is_some() && done != period {
                match self.sweep(period.unwrap_or_default()).await {
                    Ok(Paid { paid, left }) => {
                        done = period;
                        if paid + left > 0 {
                            tracing::info!(paid, left, "commissions paid out");
                        }
                    }
                    Err(error) => tracing::warn!(error = %error, "the payout job cannot read the store"),
                }
            }
            if timeout(LOOK_EVERY, stop.wait_for(|stopped| *stopped)).await.is_ok() {
                return;
            }
        }
    }

    fn period(&self) -> Option<i64> {
        (self.config.every_s > 0).then(|| self.clock.now().unix_s() / self.config.every_s)
    }

    /// Pays all that is due now under the keys of a period.
    ///
    /// # Errors
    /// When the store cannot be read; what was paid until then stays paid.
    pub async fn sweep(&self, period: i64) -> Result<Paid, StoreError> {
        let mut total = Paid::default();
        for shard in Shard::all(self.config.shards) {
            let mut after = AccountNumber(0);
            loop {
                let page = self.reads.accrued(shard, after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = last.number;
                let mut payouts = futures::stream::iter(page)
                    .map(|account| self.pay(shard, account, period))
                    .buffer_unordered(self.config.concurrency.max(1));
                while let Some(is_paid) = payouts.next().await {
                    if is_paid { total.paid += 1 } else { total.left += 1 }
                }
            }
        }
        Ok(total)
    }

    /// Whether it was paid now. One that was paid before in this period waits for the next.
    async fn pay(&self, shard: Shard, account: Account, period: i64) -> bool {
        let Some(request) = self.request(shard, &account, period) else { return false };
        let command = Command { actor: "system:payout".into(), request: Request::PayCommission(request) };
        let outcome = match self.ledger.execute(command.clone()).await {
            // Nothing was stored: once more, when the node has caught its breath.
            // Everybody waits: the next period pays.
            Err(LedgerError::Recovering { .. }) => return false,
            Err(LedgerError::Overloaded { retry_after_s } | LedgerError::Unavailable { retry_after_s }) => {
                tokio::time::sleep(Duration::from_secs(u64::from(retry_after_s))).await;
                self.ledger.execute(command).await
            }
            outcome => outcome,
        };
        match outcome {
            Ok(Outcome::Decided(operation)) => {
                if let Some(decline) = operation.decline {
                    let id = OperationKind::CommissionPayout.render(operation.id);
                    tracing::warn!(payout.id = %id, decline = decline.code(), "a commission was not paid out");
                }
                operation.status == Status::Completed
            }
            Ok(_) => false,
            Err(error) => {
                tracing::warn!(%shard, account = account.number.0, %error, "a commission was not paid out");
                false
            }
        }
    }

    fn request(&self, shard: Shard, account: &Account, period: i64) -> Option<PayCommission> {
        let pay_in = match account.class {
            AccountClass::CommissionAccrued => PayIn::Money,
            AccountClass::CommissionStockAccrued => PayIn::Stock,
            _ => return None,
        };
        let begun_s = period.saturating_mul(self.config.every_s);
        let key = format!("commission-{begun_s}-{shard}-{}", account.number.0);
        Some(PayCommission {
            operation: draw_operation(&*self.clock, &*self.randomness, shard),
            external_id: key.parse().expect("a key of numbers is short"),
            to: account.owner?,
            pay_in,
        })
    }
}
