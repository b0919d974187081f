//! What must hold at the end of a day: what was told, what is stored, what the charging system did and what partners'
//! endpoints were told of, compared with each other.

use std::collections::HashMap;
use std::io::Write as _;
use std::time::Duration;

use taabia::domain::Timestamp;
use taabia::domain::{EntryKind, EventType, Operation, OperationId, Shard, Status};
use taabia::ledger::Actor;
use taabia::ledger::evidence::EvidenceRules;
use taabia::ports::{Store, WebhookOutbox};
use taabia::services::settlement::ItemFilter;
use taabia::services::webhooks::{Endpoint, scope_of};
use taabia::services::{Caller, Scope};
use tokio::time::{Instant, sleep};

use super::network::{Applied, Network};
use super::nodes::VirtualClock;
use super::partners::Day;
use super::receivers::{Receivers, number};
use crate::support::topups::settlements_of_bank;
use crate::support::world::World;

/// Entries of the log that are read at once.
const PAGE: u32 = 1_000;
/// As long as an endpoint that works again may take until it was told of everything.
const TOLD_WITHIN: Duration = Duration::from_hours(72);

/// What the log says of a day.
#[derive(Default)]
pub struct Log {
    /// By shard and sequence: the events that an endpoint for all is told, as their numbers; 0 is none.
    events: Vec<Vec<u8>>,
    doubts: u64,
    /// How long after its deadline the last of them ended.
    longest_doubt_ms: i64,
    reversals_in_doubt: u64,
}

impl Log {
    /// Reads it to its end; each doubt must have ended when that was promised.
    pub async fn read(store: &dyn Store, outbox: &dyn WebhookOutbox, rules: &EvidenceRules) -> Self {
        let mut log = Self::default();
        for shard in Shard::all(store.shards()) {
            let (mut after, mut events) = (0, vec![0]);
            loop {
                let page = outbox.logged_events(shard, after, PAGE).await.unwrap();
                let Some(last) = page.last() else { break };
                after = last.id.sequence;
                for entry in page {
                    let told = EventType::of(entry.kind).filter(|event| scope_of(*event) == Some(Scope::RechargesRead));
                    events.push(told.map_or(0, number));
                    log.note((store, rules), entry.kind, OperationId::from_uuid(entry.subject), entry.id.recorded_at)
                        .await;
                }
            }
            log.events.push(events);
        }
        log
    }

    async fn note(
        &mut self,
        (store, rules): (&dyn Store, &EvidenceRules),
        kind: EntryKind,
        id: OperationId,
        at: Timestamp,
    ) {
        use EntryKind as E;
        match kind {
            E::ReversalInDoubt => self.reversals_in_doubt += 1,
            E::RechargeCompleted | E::RechargeReleased | E::ReversalCompleted | E::ReversalDeclined => {}
            _ => return,
        }
        let operation = store.operation(id).await.unwrap().expect("what is logged is there");
        let (submit_by, promised) = match (operation.recharge(), operation.reversal()) {
            (Some(recharge), _) => (recharge.submit_by, rules.promised_at(recharge)),
            (_, Some(reversal)) => {
                let Some((by, system)) = reversal.submit_by().zip(reversal.system()) else { return };
                (by, rules.of(system).promised_at(by))
            }
            _ => unreachable!("entries of these kinds are about these"),
        };
        let late_ms = at.since_ms(submit_by);
        assert!(at <= promised, "{id:?} ended {late_ms} ms after its time, later than promised");
        if late_ms > 0 && kind != E::ReversalInDoubt {
            self.doubts += 1;
            self.longest_doubt_ms = self.longest_doubt_ms.max(late_ms);
        }
    }

    /// How much of what an endpoint wants was told, and that nothing else was.
    pub fn left(&self, wants: impl Fn(EventType) -> bool, told: &[Vec<u8>]) -> usize {
        let wanted = |event: &u8| EventType::from_code(i16::from(*event)).is_some_and(&wants);
        let mut left = 0;
        for (shard, events) in self.events.iter().enumerate() {
            let none = Vec::new();
            let told = told.get(shard).unwrap_or(&none);
            assert!(told.len() <= events.len(), "told of entries that do not exist");
            for (sequence, event) in events.iter().enumerate() {
                let event = if wanted(event) { *event } else { 0 };
                match told.get(sequence).copied().unwrap_or(0) {
                    0 => left += usize::from(event != 0),
                    told => assert_eq!(told, event, "entry {sequence} of shard {shard}"),
                }
            }
        }
        left
    }

    /// Waits until each endpoint was told of everything that it wants; what was told, in words.
    pub async fn told(&self, receivers: &Receivers, endpoints: &[Endpoint]) -> String {
        let begun = Instant::now();
        let mut figures = Vec::new();
        for endpoint in endpoints {
            let url = &endpoint.body.url;
            while receivers.of(url, |taken| self.left(|event| endpoint.body.wants(event), &taken.told)) > 0 {
                assert!(begun.elapsed() < TOLD_WITHIN, "{url} is not told");
                sleep(Duration::from_mins(5)).await;
            }
            figures.push(receivers.of(url, |taken| {
                assert!(taken.wrong.is_empty(), "{url}: {:?}", taken.wrong);
                format!("{url} {taken}")
            }));
        }
        format!("told within {} min: {}", begun.elapsed().as_secs() / 60, figures.join("; "))
    }

    pub fn figures(&self) -> String {
        format!(
            "{} doubts, {} of reversals, the longest {} ms after its deadline",
            self.doubts, self.reversals_in_doubt, self.longest_doubt_ms
        )
    }
}

/// What was told of an operation stands, whatever was asked for later.
fn stands(told: Status, stored: &Operation) -> bool {
    match told {
        status if status.was_completed() => stored.status.was_completed(),
        status if status.is_final() => stored.status == status,
        _ => true,
    }
}

/// Compares what was told, what is stored and what the charging system did; the sums in words.
pub async fn compare(day: &Day, store: &dyn Store, network: &Network) -> String {
    let wrong = day.wrong.lock().unwrap().clone();
    assert!(wrong.is_empty(), "{wrong:?}");
    let told = std::mem::take(&mut *day.told.lock().unwrap());
    let mut applied = network.applied();
    let mut counts = HashMap::<_, u64>::new();
    let (mut sold_minor, mut reversed_minor, mut back_minor) = (0, 0, 0);
    for (id, status) in told {
        let stored = store.operation(id).await.unwrap().expect("what was acknowledged is there");
        assert!(stored.status.is_final(), "{stored:?}");
        assert!(stands(status, &stored), "{id:?} was told {}, and is {}", status.name(), stored.status.name());
        *counts.entry((stored.kind().name(), stored.status.name())).or_default() += 1;
        if stored.reversal().is_some() {
            back_minor += if stored.status == Status::Completed { stored.amount_minor } else { 0 };
            continue;
        }
        let recharge = stored.recharge().expect("a request filled every tombstone in");
        let there = recharge.charging_reference.and_then(|reference| applied.remove(&reference));
        if stored.status.was_completed() {
            let once = Applied { times: 1, reversed_minor: recharge.reversed_minor };
            assert_eq!(there, Some((stored.amount_minor, once)), "{id:?} was credited once, and so much");
            assert_eq!(stored.status == Status::Reversed, recharge.reversed_minor == stored.amount_minor, "{id:?}");
            (sold_minor, reversed_minor) = (sold_minor + stored.amount_minor, reversed_minor + recharge.reversed_minor);
        } else {
            assert_eq!(there, None, "{id:?} was declined, and is credited");
        }
    }
    assert!(applied.is_empty(), "credited, and nobody was told: {applied:?}");
    assert_eq!(reversed_minor, back_minor, "what recharges and what reversals say");
    let net: i64 =
        network.applied().values().map(|(amount, it)| amount * i64::from(it.times) - it.reversed_minor).sum();
    assert_eq!(sold_minor - reversed_minor, net, "our books and the charging system's, in minor units");
    let mut counts: Vec<_> = counts.into_iter().map(|((kind, status), n)| format!("{n} {kind}s {status}")).collect();
    counts.sort();
    format!("{}; {sold_minor} sold and {reversed_minor} taken back, in minor units", counts.join(", "))
}

/// The charging system's record of the day agrees line by line, once and again.
pub async fn import_record(world: &World, network: &Network, clock: &VirtualClock) {
    let behind = taabia::ports::Clock::now(clock).since_ms(taabia::ports::Clock::now(&*world.clock));
    world.clock.advance_ms(behind);
    let services = settlements_of_bank(world);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(network.daily_record(VirtualClock::BEGINS).as_bytes()).unwrap();
    for round in 0..2 {
        let imported = services.import_record(&Actor::from("operator:finance"), file.try_clone().unwrap()).await;
        let (report, before) = imported.unwrap();
        assert_eq!((before, report.file.is_complete()), (round == 1, true));
        assert_eq!(report.file.matched.count, report.file.lines, "{:?}", report.file);
    }
    let all = (Timestamp::EPOCH, Timestamp::from_unix_ms(i64::MAX));
    let (untold, _) = services.unrecorded(all, &ItemFilter::default(), None, 1).await.unwrap();
    assert!(untold.is_empty(), "the record lacks {untold:?}");
}

/// The endpoints as they are registered, all enabled still.
pub async fn endpoints(webhooks: &taabia::services::webhooks::Webhooks, caller: &Caller) -> Vec<Endpoint> {
    let endpoints = webhooks.list(caller).await.unwrap();
    assert!(endpoints.iter().all(Endpoint::is_enabled));
    endpoints
}
