//! Looks after stock that is watched: tells the ledger what crossed its threshold, and brings up again what is low and
//! has a rule for it. Both only by commands, so that several nodes doing it at once do no harm.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::domain::records::{Replenishment, ReplenishmentSource};
use crate::domain::{Asked, Calendar, ExternalId, OperationId, PartnerId, ResellerId, Shard, Terms, TransferKind};
use crate::ledger::command::{AllocateStock, TransferStock};
use crate::ledger::{Command, Refusal, Request};
use crate::ports::{
    Clock, Ledger, LedgerError, Movements, Randomness, Reads, Registry, StoreError, WatchedStock, draw_operation,
};

/// Who brings stock up, as the journal records it.
const ACTOR: &str = "system:replenishment";

/// What the job needs of the world.
pub struct StockWatchJob {
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn Reads>,
    pub movements: Arc<dyn Movements>,
    pub registry: Arc<dyn Registry>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
    pub calendar: Calendar,
    pub shards: u16,
    pub interval_ms: u64,
}

impl StockWatchJob {
    /// Sweeps until `stop` turns true or its sender is gone.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.sweep().await {
                tracing::warn!(%error, "stock is not looked after for now");
            }
            if timeout(Duration::from_millis(self.interval_ms), stop.wait_for(|stopped| *stopped)).await.is_ok() {
                return;
            }
        }
    }

    /// One pass over all shards. What was found low is told in one pass and brought up in the next, which then knows
    /// the alert that it answers.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        for shard in Shard::all(self.shards) {
            for found in self.movements.watched_stock(shard).await? {
                if found.is_low() != found.was_low {
                    self.send("system:stock-watch", Request::LookAtStock(found.reseller)).await;
                } else if let Some(rule) = found.watch.replenish {
                    self.replenish(&found, rule).await?;
                }
            }
        }
        Ok(())
    }

    async fn replenish(&self, found: &WatchedStock, rule: Replenishment) -> Result<(), StoreError> {
        let amount_minor = rule.up_to_minor.saturating_sub(found.available_minor);
        let Some((shard, from)) = self.source_of(found.reseller, rule.source).await? else { return Ok(()) };
        let external_id = self.key(found);
        // Once for an alert and day: what was declined is tried again tomorrow.
        if amount_minor <= 0
            || self.reads.operation_by_key(shard, PartnerId::OPERATOR, from, &external_id).await?.is_some()
        {
            return Ok(());
        }
        let request = match rule.source {
            ReplenishmentSource::Operator => Request::AllocateStock(AllocateStock {
                operation: self.draw(shard),
                external_id,
                to: found.reseller,
                asked: Asked::Exactly(amount_minor),
                terms: Terms::Consignment,
                reason: "replenishment by rule".parse().expect("it is short"),
                run: None,
            }),
            ReplenishmentSource::Parent => Request::TransferStock(TransferStock {
                operation: self.draw(shard),
                partner: PartnerId::OPERATOR,
                external_id,
                from,
                to: Some(found.reseller),
                kind: TransferKind::Transfer,
                amount_minor,
                asks_acceptance: false,
            }),
        };
        self.send(ACTOR, request).await;
        Ok(())
    }

    /// Whose stock it is that comes, and where it is kept; `None` when nobody stands above.
    async fn source_of(
        &self,
        reseller: ResellerId,
        source: ReplenishmentSource,
    ) -> Result<Option<(Shard, ResellerId)>, StoreError> {
        match source {
            ReplenishmentSource::Operator => Ok(Some((Shard::OPERATOR, ResellerId::OPERATOR))),
            ReplenishmentSource::Parent => {
                let parent = self.registry.ancestors(reseller).await?.get(1).copied();
                Ok(parent.map(|parent| (Shard::of(parent.uuid(), self.shards), parent)))
            }
        }
    }

    fn draw(&self, shard: Shard) -> OperationId {
        draw_operation(&*self.clock, &*self.randomness, shard)
    }

    /// The same for every node that answers the same alert on the same day.
    fn key(&self, found: &WatchedStock) -> ExternalId {
        let today = self.calendar.day_of(self.clock.now());
        let key = format!("low-{}-{}-{today}", found.reseller.uuid().simple(), found.alert);
        key.parse().expect("it is short and printable ASCII")
    }

    async fn send(&self, actor: &str, request: Request) {
        match self.ledger.execute(Command { actor: actor.into(), request }).await {
            // Another node was faster and found a little more or less to bring.
            Ok(_) | Err(LedgerError::Refused(Refusal::KeyReused { .. })) => {}
            Err(error) => tracing::warn!(%error, actor, "not done yet"),
        }
    }
}
