//! Recharges straight through the ledger port: so many in flight, each reserved and then settled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use taabia::cli::clock::{SystemClock, SystemRandomness};
use taabia::domain::ids::uuid_v7;
use taabia::domain::{Channel, Msisdn, OperationId, PartnerId, ResellerId, Shard, Status};
use taabia::ledger::command::{Evidence, Reserve, Resolve};
use taabia::ledger::{Actor, Command, Request};
use taabia::ports::{Clock as _, Ledger, LedgerError, Randomness as _};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::{Result, report};

/// A load that goes on until it is ended.
pub struct Load {
    shared: Arc<Shared>,
    workers: JoinSet<std::result::Result<Vec<u32>, LedgerError>>,
}

struct Shared {
    ledger: Arc<dyn Ledger>,
    shards: u16,
    outlets: Vec<ResellerId>,
    actor: Actor,
    partner: PartnerId,
    next: AtomicU64,
    completed: AtomicU64,
    /// Whether latencies are noted.
    noting: AtomicBool,
    ending: AtomicBool,
}

impl Load {
    /// Begins with `in_flight` recharges at once, spread over the outlets.
    pub fn start(ledger: Arc<dyn Ledger>, shards: u16, outlets: Vec<ResellerId>, in_flight: usize) -> Self {
        let shared = Arc::new(Shared {
            ledger,
            shards,
            outlets,
            actor: "client:bench".into(),
            partner: PartnerId::from_uuid(draw(Shard::OPERATOR).0),
            next: AtomicU64::new(0),
            completed: AtomicU64::new(0),
            noting: AtomicBool::new(false),
            ending: AtomicBool::new(false),
        });
        let mut workers = JoinSet::new();
        for _ in 0..in_flight {
            workers.spawn(shared.clone().work());
        }
        Self { shared, workers }
    }

    /// Recharges done so far.
    pub fn completed(&self) -> u64 {
        self.shared.completed.load(Ordering::Relaxed)
    }

    /// Recharges per second in the time to come.
    #[expect(clippy::cast_precision_loss, reason = "a run has far fewer recharges than 2^52")]
    pub async fn per_second(&self, during: Duration) -> f64 {
        let (begun, before) = (Instant::now(), self.shared.completed.load(Ordering::Relaxed));
        sleep(during).await;
        let completed = self.shared.completed.load(Ordering::Relaxed) - before;
        completed as f64 / begun.elapsed().as_secs_f64()
    }

    /// Ends the load when what is in flight is done; gives the noted latencies in microseconds, ascending.
    pub async fn end(mut self) -> Result<Vec<u32>> {
        self.shared.ending.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        while let Some(latencies) = self.workers.join_next().await {
            all.extend(latencies??);
        }
        all.sort_unstable();
        Ok(all)
    }
}

/// Warms up, measures throughput and latency, and prints them under `name`.
pub async fn measure(name: &str, load: Load, during: Duration) -> Result<()> {
    sleep(during / 4).await;
    load.shared.noting.store(true, Ordering::Relaxed);
    let per_s = load.per_second(during).await;
    let latencies = load.end().await?;
    report(&format!("{name}.per_s"), per_s);
    report_quantiles(name, &latencies);
    Ok(())
}

/// Prints p50 and p99 of ascending microseconds.
pub fn report_quantiles(name: &str, ascending_us: &[u32]) {
    for percent in [50, 99] {
        let place = (ascending_us.len() * percent).div_ceil(100).saturating_sub(1);
        if let Some(us) = ascending_us.get(place) {
            report(&format!("{name}.p{percent}_ms"), f64::from(*us) / 1_000.0);
        }
    }
}

pub fn micros(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX)
}

/// A recharge like no other: its number and key are those of `number`.
pub fn reserve((reseller, shard): (ResellerId, Shard), partner: PartnerId, number: u64, amount_minor: i64) -> Reserve {
    let (uuid, salt) = draw(shard);
    Reserve {
        operation: OperationId::from_uuid(uuid),
        partner,
        reseller,
        external_id: format!("bench-{number}").parse().expect("a key of printable ASCII"),
        msisdn: Msisdn::from_digits(212_600_000_000 + number % 200_000_000).expect("twelve digits"),
        salt,
        amount_minor,
        product: "airtime".into(),
        channel: Channel::Atm,
        terminal: None,
        allow_repeat: false,
        system: taabia::domain::SystemName::MAIN,
    }
}

/// An id in a shard, and a salt.
pub fn draw(shard: Shard) -> (uuid::Uuid, [u8; 16]) {
    let mut random = [0; 26];
    SystemRandomness.fill(&mut random);
    let (id, salt) = random.split_at(10);
    let id = uuid_v7(SystemClock.now(), id.try_into().expect("split at ten"), shard);
    (id, salt.try_into().expect("sixteen of twenty-six are left"))
}

impl Shared {
    async fn work(self: Arc<Self>) -> std::result::Result<Vec<u32>, LedgerError> {
        let mut latencies = Vec::new();
        while !self.ending.load(Ordering::Relaxed) {
            let begun = Instant::now();
            self.recharge().await?;
            self.completed.fetch_add(1, Ordering::Relaxed);
            if self.noting.load(Ordering::Relaxed) {
                latencies.push(micros(begun));
            }
        }
        Ok(latencies)
    }

    /// One recharge, all different: another number, another key, any outlet.
    async fn recharge(&self) -> std::result::Result<(), LedgerError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        // Fibonacci hashing: outlets follow each other without a pattern.
        let spread = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let outlet = usize::try_from(spread).expect("32 bits") % self.outlets.len();
        let reseller = self.outlets[outlet];
        let amount_minor = 500 + i64::try_from(number % 1_501).expect("a small number");
        let shard = Shard::of(reseller.uuid(), self.shards);
        let reserve = reserve((reseller, shard), self.partner, number, amount_minor);
        let operation = reserve.operation;
        self.expect(Request::Reserve(reserve), Status::Submitted).await?;
        let resolve = Resolve {
            operation,
            evidence: Evidence::Applied,
            source: taabia::ledger::command::Source::answer(taabia::domain::Timestamp::EPOCH),
        };
        self.expect(Request::Resolve(resolve), Status::Completed).await
    }

    async fn expect(&self, request: Request, status: Status) -> std::result::Result<(), LedgerError> {
        let outcome = self.ledger.execute(Command { actor: self.actor.clone(), request }).await?;
        let reached = outcome.operation().map(|operation| operation.status);
        assert_eq!(reached, Some(status), "figures of recharges that fail mean nothing");
        Ok(())
    }
}
