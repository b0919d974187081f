//! The job that sends, on every store, with a receiver that answers as it is told.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use taabia::domain::records::{EndpointState, StockWatch, WebhookEndpoint};
use taabia::domain::{Content, EventType, Record, RecordKind, Shard, WebhookId};
use taabia::jobs::WebhookJob;
use taabia::ledger::command::PutRecord;
use taabia::ledger::{Evidence, Request, stock_watch};
use taabia::ports::{AttemptOutcome, SendFailure};
use taabia::services::network::Expected;
use taabia::services::webhooks::{EndpointChange, NewEndpoint, ReplayFrom, Webhooks};
use taabia::services::{Caller, Scope};

use taabia::simulator::MemoryStore;

use crate::support::webhooks::{Plain, Receiver, Seen, client, clients, job, sweep, webhooks};
use crate::support::world::{Books, RELEASE, World};
use crate::support::{in_memory_on, must_verify, on_every_store};

/// Two resellers, `bank` that sees the first of them, and its endpoint for all it may read.
struct Desk {
    world: World,
    receiver: Arc<Receiver>,
    webhooks: Webhooks,
    job: WebhookJob,
    bank: Caller,
    endpoint: WebhookId,
}

fn wants(event_types: &[EventType]) -> NewEndpoint {
    let url = "https://bank.example/events".into();
    NewEndpoint { url, event_types: event_types.to_vec(), description: None }
}

impl Desk {
    async fn new(books: Books) -> Self {
        let world = World::new(books).await;
        world.reseller("R1", 1_000_000).await;
        world.reseller("R2", 1_000_000).await;
        let bank = client(&world, "bank", &[Scope::RechargesRead, Scope::StockRead], &["R1"]).await;
        let receiver = Receiver::new();
        let webhooks = webhooks(&world, receiver.clone());
        let job = job(&world, receiver.clone(), Arc::new(Plain), 1);
        world.clock.advance_ms(1_000);
        let (endpoint, _) = webhooks.register(&bank, wants(&[])).await.unwrap();
        Self { endpoint: endpoint.id, world, receiver, webhooks, job, bank }
    }

    /// A recharge from its reservation to this end; its id on the wire.
    async fn recharge(&self, name: &str, key: &str, evidence: Evidence) -> String {
        let operation = self.world.recharge(name, key, 500).await;
        self.world.must(World::resolve(operation.id, evidence)).await;
        operation.kind().render(operation.id)
    }

    async fn sold(&self, key: &str) -> String {
        self.recharge("R1", key, Evidence::Applied).await
    }

    async fn sweep(&self) -> Vec<Seen> {
        sweep(&self.job).await;
        self.receiver.take()
    }

    /// The same after some time.
    async fn later(&self, ms: i64) -> Vec<Seen> {
        self.world.clock.advance_ms(ms);
        self.sweep().await
    }

    async fn state(&self) -> EndpointState {
        self.webhooks.get(&self.bank, self.endpoint).await.unwrap().body.state
    }

    async fn enable(&self) {
        let change = EndpointChange { enabled: Some(true), ..EndpointChange::default() };
        self.webhooks.change(&self.bank, self.endpoint, &Expected::Any, change).await.unwrap();
    }
}

fn kinds(seen: &[Seen]) -> Vec<&str> {
    seen.iter().map(Seen::kind).collect()
}

/// Each operation's events came in their order.
fn assert_ordered(seen: &[Seen]) {
    let mut last: HashMap<&str, i64> = HashMap::new();
    for notice in seen {
        let before = last.insert(notice.subject(), notice.sequence());
        assert!(before.is_none_or(|before| before < notice.sequence()), "{seen:#?}");
    }
}

on_every_store!(a_partner_is_told_of_what_it_sees_once_and_in_order, async |books| {
    let desk = Desk::new(books).await;
    let sold = desk.sold("a").await;
    let declined = desk.recharge("R1", "b", RELEASE).await;
    desk.recharge("R2", "c", Evidence::Applied).await;
    let seen = desk.sweep().await;
    assert_ordered(&seen);
    let of = |id: &str| -> Vec<&str> { seen.iter().filter(|it| it.subject() == id).map(Seen::kind).collect() };
    assert_eq!(of(&sold), ["recharge.submitted", "recharge.completed"]);
    assert_eq!(of(&declined), ["recharge.submitted", "recharge.declined"]);
    assert_eq!(seen.len(), 4, "nothing of another's reseller: {seen:#?}");
    assert!(seen.iter().all(|it| it.url == "https://bank.example/events" && it.secrets == 1));
    assert!(desk.sweep().await.is_empty(), "once");
    let (attempts, more) = desk.webhooks.deliveries(&desk.bank, desk.endpoint, None, 3).await.unwrap();
    assert!(more && attempts.iter().all(|it| it.outcome == AttemptOutcome::Delivered && it.status == Some(204)));
    let last = attempts.last().unwrap();
    let after = Some((last.at, last.event));
    let (rest, more) = desk.webhooks.deliveries(&desk.bank, desk.endpoint, after, 3).await.unwrap();
    let ids: HashSet<String> = attempts.iter().chain(&rest).map(|it| it.event.to_string()).collect();
    assert_eq!((ids, more), (seen.iter().map(|it| it.id.clone()).collect(), false));
    desk.world.close().await;
});

on_every_store!(one_operation_waits_for_itself_and_for_no_other, async |books| {
    let desk = Desk::new(books).await;
    let first = desk.world.recharge("R1", "bad", 500).await;
    let bad = first.kind().render(first.id);
    let fails = bad.clone();
    desk.receiver.answer(move |seen| if seen.subject() == fails { Ok(500) } else { Ok(200) });
    assert_eq!(kinds(&desk.sweep().await), ["recharge.submitted"]);
    desk.world.must(World::resolve(first.id, Evidence::Applied)).await;
    let good = desk.sold("good").await;
    let seen = desk.sweep().await;
    assert!(seen.iter().all(|it| it.subject() == good), "{seen:#?}");
    assert_eq!(seen.len(), 2, "the others go on");
    // 5 s with up to a fifth more.
    assert!(desk.later(4_900).await.is_empty());
    assert_eq!(kinds(&desk.later(1_200).await), ["recharge.submitted"], "what is behind it stays behind");
    desk.receiver.answer(|_| Ok(204));
    let seen = desk.later(6 * 60_000).await;
    assert_eq!(kinds(&seen), ["recharge.submitted", "recharge.completed"]);
    assert_ordered(&seen);
    assert!(desk.later(86_400_000).await.is_empty());
    let (attempts, _) = desk.webhooks.deliveries(&desk.bank, desk.endpoint, None, 10).await.unwrap();
    let of_first: Vec<_> = attempts.iter().filter(|it| it.event.to_string() == seen[0].id).collect();
    let outcomes: Vec<_> = of_first.iter().rev().map(|it| (it.number, it.outcome, it.status)).collect();
    let (failed, delivered) = (AttemptOutcome::Failed, AttemptOutcome::Delivered);
    assert_eq!(outcomes, [(1, failed, Some(500)), (2, failed, Some(500)), (3, delivered, Some(204))]);
    assert!(of_first[2].next_at.unwrap() > of_first[2].at);
    desk.world.close().await;
});

on_every_store!(gone_ends_it_at_once_and_the_clients_other_endpoints_are_told, async |books| {
    let desk = Desk::new(books).await;
    let other = desk.webhooks.register(&desk.bank, wants(&[EventType::EndpointDisabled])).await.unwrap().0;
    let gone = desk.endpoint.to_string();
    desk.receiver.answer(|seen| if seen.kind().starts_with("recharge") { Ok(410) } else { Ok(200) });
    desk.sold("a").await;
    let mut seen = desk.sweep().await;
    assert_eq!(desk.state().await, EndpointState::Gone);
    seen.extend(desk.sweep().await);
    assert_eq!(kinds(&seen), ["recharge.submitted", "webhook_endpoint.disabled"], "no second one after the 410");
    assert_eq!((seen[1].subject(), &seen[1].body["data"]["status"]), (&*gone, &"gone".into()));
    desk.receiver.answer(|_| Ok(200));
    desk.sold("b").await;
    assert!(desk.later(86_400_000).await.is_empty());
    desk.enable().await;
    let seen = desk.sweep().await;
    assert_eq!(seen.len(), 4, "it goes on where it stopped: {seen:#?}");
    assert_ordered(&seen);
    desk.webhooks.delete(&desk.bank, other.id).await.unwrap();
    desk.world.close().await;
});

on_every_store!(three_days_of_failure_disable_it_and_nothing_is_lost, async |books| {
    let desk = Desk::new(books).await;
    desk.receiver.answer(|_| Err(SendFailure::Timeout));
    desk.sold("a").await;
    assert_eq!(desk.sweep().await.len(), 1);
    let mut tries = 1;
    for _ in 0..90 {
        assert_eq!(desk.state().await, EndpointState::Enabled);
        tries += desk.later(3_600_000).await.len();
        if desk.state().await == EndpointState::Failing {
            break;
        }
    }
    assert_eq!((desk.state().await, tries), (EndpointState::Failing, 10));
    desk.sold("b").await;
    assert!(desk.later(86_400_000).await.is_empty());
    desk.receiver.answer(|_| Ok(200));
    desk.enable().await;
    let seen = desk.sweep().await;
    assert_eq!(seen.len(), 4, "{seen:#?}");
    assert_ordered(&seen);
    desk.world.close().await;
});

on_every_store!(an_endpoint_that_is_down_is_probed_and_comes_back_as_a_whole, async |books| {
    let desk = Desk::new(books).await;
    desk.receiver.answer(|_| Ok(503));
    let mut sold = HashSet::new();
    for number in 0..40 {
        sold.insert(desk.sold(&format!("k{number}")).await);
    }
    let tried = desk.sweep().await.len();
    assert!((10..=32).contains(&tried), "it is given up for now, not asked 80 times: {tried}");
    assert!(desk.sweep().await.is_empty());
    let seen = desk.later(7_000).await;
    assert!(seen.len() <= tried + 1, "what waits, and one probe: {}", seen.len());
    desk.receiver.answer(|_| Ok(200));
    let mut seen = desk.later(400_000).await;
    seen.extend(desk.sweep().await);
    seen.extend(desk.sweep().await);
    assert_eq!(seen.len(), 80, "all of it, once");
    assert_ordered(&seen);
    assert_eq!(seen.iter().map(|it| it.subject().to_owned()).collect::<HashSet<_>>(), sold);
    desk.world.close().await;
});

on_every_store!(a_replay_sends_the_same_events_again_from_a_time_or_an_event, async |books| {
    let desk = Desk::new(books).await;
    desk.sold("before").await;
    desk.world.clock.advance_ms(60_000);
    let from = taabia::ports::Clock::now(&*desk.world.clock);
    desk.sold("after").await;
    let first = desk.sweep().await;
    assert_eq!(first.len(), 4);
    desk.webhooks.replay(&desk.bank, desk.endpoint, ReplayFrom::Time(from)).await.unwrap();
    let ids = |seen: &[Seen]| seen.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
    let of = |seen: &[Seen], subject: &str| {
        ids(&seen.iter().filter(|it| it.subject() == subject).cloned().collect::<Vec<_>>())
    };
    let again = desk.sweep().await;
    assert_eq!(again.len(), 2, "{again:#?}");
    let after = again[0].subject();
    assert_eq!(ids(&again), of(&first, after), "with the same ids");
    let event = first.iter().map(|it| it.id.clone()).find(|id| !ids(&again).contains(id)).unwrap();
    desk.webhooks.replay(&desk.bank, desk.endpoint, ReplayFrom::Event(event.parse().unwrap())).await.unwrap();
    let all = desk.sweep().await;
    assert_eq!(all.iter().map(|it| &it.id).collect::<HashSet<_>>(), first.iter().map(|it| &it.id).collect());
    assert_ordered(&all);
    let (shard, sequence) = (Shard::OPERATOR, 9_999);
    let unknown = taabia::domain::EventId { recorded_at: from, shard, sequence };
    let refused = desk.webhooks.replay(&desk.bank, desk.endpoint, ReplayFrom::Event(unknown)).await;
    assert_eq!(refused, Err(taabia::services::ServiceError::NotFound));
    assert!(desk.sweep().await.is_empty());
    desk.world.close().await;
});

on_every_store!(a_new_secret_signs_beside_the_one_before_for_a_time, async |books| {
    let desk = Desk::new(books).await;
    let (rotated, _) = desk.webhooks.rotate(&desk.bank, desk.endpoint).await.unwrap();
    assert_eq!(rotated.body.secret_version, 2);
    desk.sold("a").await;
    assert!(desk.sweep().await.iter().all(|it| it.secrets == 2));
    desk.sold("b").await;
    let seen = desk.later(3_600_000).await;
    assert!(!seen.is_empty() && seen.iter().all(|it| it.secrets == 1), "{seen:#?}");
    desk.world.close().await;
});

on_every_store!(a_node_that_dies_before_it_wrote_sends_again, async |books| {
    let desk = Desk::new(books).await;
    let sold = desk.sold("a").await;
    // What the store would hold had the node died between the delivery and the write: the cursors as they were.
    let before = desk.world.books.webhooks.backlog(desk.endpoint, 10).await.unwrap();
    let first = desk.sweep().await;
    assert_eq!(first.len(), 2);
    desk.world.books.webhooks.rewind(desk.endpoint, &before.cursors).await.unwrap();
    let at = desk.world.books.webhooks.backlog(desk.endpoint, 10).await.unwrap();
    let begun = at.cursors.iter().map(|(shard, _)| (*shard, 0)).collect::<Vec<_>>();
    desk.world.books.webhooks.rewind(desk.endpoint, &begun).await.unwrap();
    let second = job(&desk.world, desk.receiver.clone(), Arc::new(Plain), 2);
    sweep(&second).await;
    assert!(desk.receiver.take().is_empty(), "another node's lease stands");
    desk.world.clock.advance_ms(61_000);
    sweep(&second).await;
    let again = desk.receiver.take();
    let of_sold: Vec<_> = again.iter().filter(|it| it.subject() == sold).map(|it| it.id.clone()).collect();
    assert_eq!(of_sold, first.iter().map(|it| it.id.clone()).collect::<Vec<_>>());
    desk.world.close().await;
});

on_every_store!(two_nodes_without_a_lease_lose_nothing, async |books| {
    let desk = Desk::new(books).await;
    let mut sold = BTreeMap::new();
    let second = job(&desk.world, desk.receiver.clone(), Arc::new(Plain), 2);
    let mut seen = Vec::new();
    for number in 0..30 {
        sold.insert(desk.sold(&format!("k{number}")).await, 0);
        // Each takes the lease from the other, whatever the other is doing.
        desk.world.clock.advance_ms(120_000);
        tokio::join!(sweep(&desk.job), sweep(&second));
        seen.extend(desk.receiver.take());
    }
    for _ in 0..3 {
        desk.world.clock.advance_ms(120_000);
        seen.extend(desk.sweep().await);
    }
    for notice in &seen {
        *sold.get_mut(notice.subject()).unwrap() |= if notice.kind() == "recharge.completed" { 2 } else { 1 };
    }
    assert!(sold.values().all(|told| *told == 3), "{sold:?}");
    desk.world.close().await;
});

on_every_store!(whoever_may_not_look_is_not_told, async |books| {
    let desk = Desk::new(books).await;
    let refused = desk.webhooks.register(&desk.bank, wants(&[EventType::TopupCredited])).await;
    assert!(refused.is_err(), "the client may not read top-ups");
    let other = client(&desk.world, "other", &[Scope::RechargesRead], &["R1"]).await;
    assert!(desk.webhooks.get(&other, desk.endpoint).await.is_err(), "another client's, also of the same subtree");
    assert!(desk.webhooks.list(&other).await.unwrap().is_empty());
    desk.sold("a").await;
    clients(&desk.world).revoke(desk.bank.client).await.unwrap();
    assert!(desk.sweep().await.is_empty(), "a revoked client is not told any more");
    desk.world.close().await;
});

on_every_store!(stock_that_runs_low_is_told_with_what_it_is, async |books| {
    let desk = Desk::new(books).await;
    let threshold = StockWatch { threshold_minor: 999_000, replenish: None };
    let key = stock_watch::key(RecordKind::StockWatch, desk.world.id("R1"));
    let put = PutRecord { key, expected: None, content: Content::StockWatch(threshold) };
    desk.world.must(Request::PutRecord(put)).await;
    desk.world.recharge("R1", "a", 5_000).await;
    desk.world.must(Request::LookAtStock(desk.world.id("R1"))).await;
    let seen = desk.sweep().await;
    let low = seen.iter().find(|it| it.kind() == "stock.low").unwrap();
    assert_eq!((low.subject(), &low.body["data"]["is_low"]), (&*desk.world.id("R1").to_string(), &true.into()));
    desk.world.close().await;
});

#[tokio::test]
async fn an_endpoint_that_was_edited_by_hand_is_named() {
    let store = MemoryStore::new(3);
    let desk = Desk::new(in_memory_on(&store)).await;
    let audit = desk.world.books.audit.clone();
    must_verify(&*audit).await;
    store.with_raw(|state| {
        let key = WebhookEndpoint::key(desk.bank.client, desk.endpoint);
        let stored = &state.books[0].records[&key];
        let text = stored.text().replace("bank.example", "evil.example");
        let edited = Record::read(key.clone(), stored.version(), &text).unwrap();
        state.books[0].records.insert(key, edited);
    });
    let options = taabia::reports::verify::Options::default();
    let found = taabia::reports::verify::verify(&*audit, &options, &mut |_| {}).await.unwrap_err().to_string();
    assert!(found.contains("record webhook_endpoint") && found.contains("its row is not as entry"), "{found}");
}
