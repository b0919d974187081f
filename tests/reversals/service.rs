//! Reversals at the level of the services: the charging system answers late, twice, never, garbage, or cannot be reached;
//! nodes end in between.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use taabia::charging::{ChargingSystems, Dependencies};
use taabia::domain::{ClientId, Decline, Operation, OperationId, Status};
use taabia::jobs::ReversalJob;
use taabia::ledger::Evidence;
use taabia::ports::{
    Charging, ChargingOutcome, LookupOutcome, RefillRequest, ReversalOutcome, ReversalRefusal, ReversalRequest,
};
use taabia::services::reversals::ReversalOrder;
use taabia::services::{Caller, Directory, Reversals, Scope, ServiceError};
use tokio::sync::watch;
use tokio::time::timeout;

use super::read;
use crate::support::program::until;
use crate::support::world::{Books, World, external_id};
use crate::support::{on_every_store, reversals::reversals};

/// A charging system that answers reversals when it is told what to say, and remembers what it was asked.
#[derive(Default)]
struct Line {
    answer: watch::Sender<Option<ReversalOutcome>>,
    found: Mutex<Option<LookupOutcome>>,
    /// By reference: of which refill, how much, how often.
    asked: Mutex<HashMap<i64, (i64, i64, usize)>>,
}

impl Line {
    fn says(&self, outcome: ReversalOutcome) {
        self.answer.send_replace(Some(outcome));
    }

    fn finds(&self, outcome: LookupOutcome) {
        *self.found.lock().unwrap() = Some(outcome);
    }

    fn calls(&self) -> usize {
        self.asked.lock().unwrap().values().map(|(.., times)| times).sum()
    }
}

#[async_trait]
impl Charging for Line {
    fn name(&self) -> &'static str {
        "line"
    }

    async fn refill(&self, _: &RefillRequest) -> ChargingOutcome {
        ChargingOutcome::Approved
    }

    async fn lookup(&self, _: i64) -> LookupOutcome {
        LookupOutcome::NotOffered
    }

    async fn reverse(&self, request: &ReversalRequest) -> ReversalOutcome {
        let asked = (request.of, request.amount.minor(), 0);
        self.asked.lock().unwrap().entry(request.reference).or_insert(asked).2 += 1;
        let mut answer = self.answer.subscribe();
        answer.wait_for(Option::is_some).await.expect("the sender lives in self").clone().expect("it was waited for")
    }

    async fn lookup_reversal(&self, _: i64) -> LookupOutcome {
        self.found.lock().unwrap().clone().unwrap_or(LookupOutcome::NotOffered)
    }
}

/// One outlet, and a node that takes back what it sold.
struct Shop {
    world: World,
    line: Arc<Line>,
    reversals: Arc<Reversals>,
    caller: Caller,
}

impl Shop {
    async fn new(books: Books) -> Self {
        let world = World::new(books).await;
        world.reseller("R", 10_000).await;
        let line = Arc::new(Line::default());
        let systems = ChargingSystems::of(line.clone(), &Dependencies { clock: world.clock.clone() });
        let directory = Arc::new(Directory::new(world.books.registry.clone(), world.books.store.shards()));
        let reversals = Arc::new(reversals(&world, Arc::new(systems), directory));
        let caller = Caller {
            client: ClientId::from_uuid(uuid::Uuid::from_u128(9)),
            partner: world.partner,
            name: "test".into(),
            scopes: [Scope::RechargesWrite].into(),
            roots: [world.id("R")].into(),
            rate_limit_per_s: None,
            address: None,
            request: None,
        };
        Self { world, line, reversals, caller }
    }

    async fn sold(&self, key: &str) -> Operation {
        let reserved = self.world.recharge("R", key, 2_000).await;
        self.world.must(World::resolve(reserved.id, Evidence::Applied)).await;
        read(&self.world, reserved.id).await
    }

    async fn ask(&self, key: &str, recharge: OperationId) -> Result<Operation, ServiceError> {
        let order = ReversalOrder { external_id: external_id(key), amount_minor: None, reason: "wrong".into() };
        let answer = self.reversals.of_recharge(&self.caller, recharge, order).await?;
        Ok(Operation::clone(&answer.operation))
    }

    /// What another node's job does with what is left.
    async fn look(&self) {
        let job = ReversalJob {
            reads: self.world.books.topups.clone(),
            reversals: self.reversals.clone(),
            poll_interval_ms: 1_000,
            min_backoff_ms: 1_000,
            max_backoff_ms: 1_000,
            concurrency: 4,
        };
        job.look_at_all().await.unwrap();
    }

    async fn becomes(&self, id: OperationId, status: Status) -> Operation {
        let reads = async || Some(read(&self.world, id).await).filter(|operation| operation.status == status);
        until(status.name(), reads).await
    }
}

on_every_store!(an_answer_in_time_is_the_answer, async |books: Books| {
    let shop = Shop::new(books).await;
    let sold = shop.sold("a").await;
    shop.line.says(ReversalOutcome::Reversed);
    let done = shop.ask("r", sold.id).await.unwrap();
    assert_eq!(done.status, Status::Completed);
    // It was asked for what it had credited, and the same again asks nobody.
    assert_eq!(shop.ask("r", sold.id).await.unwrap(), done);
    let asked = shop.line.asked.lock().unwrap().clone();
    let (reference, asked) = asked.into_iter().next().unwrap();
    assert_eq!(done.reversal().unwrap().charging_reference, Some(reference));
    assert_eq!(asked, (sold.recharge().unwrap().charging_reference.unwrap(), 2_000, 1));
    shop.world.close().await;
});

on_every_store!(refusals_are_listed, async |books: Books| {
    let shop = Shop::new(books).await;
    for (key, outcome, decline) in [
        ("a", ReversalOutcome::Refused(ReversalRefusal::CreditSpent), Decline::CreditSpent),
        ("b", ReversalOutcome::Refused(ReversalRefusal::SubscriberUnknown), Decline::SubscriberUnknown),
        ("c", ReversalOutcome::Refused(ReversalRefusal::Other), Decline::ChargingDeclined),
        ("d", ReversalOutcome::NotOffered, Decline::NotReversible),
    ] {
        let sold = shop.sold(key).await;
        shop.line.says(outcome);
        let declined = shop.ask(&format!("r-{key}"), sold.id).await.unwrap();
        assert_eq!((declined.status, declined.decline), (Status::Declined, Some(decline)));
        assert_eq!(read(&shop.world, sold.id).await.status, Status::Completed);
    }
    assert_eq!(shop.world.stock("R").await.posted, 2_000);
    shop.world.close().await;
});

on_every_store!(garbage_is_doubt_and_a_look_ends_it, async |books: Books| {
    let shop = Shop::new(books).await;
    let sold = shop.sold("a").await;
    shop.line.says(ReversalOutcome::Unknown("garbage".into()));
    let doubt = shop.ask("r", sold.id).await.unwrap();
    assert_eq!(doubt.status, Status::InDoubt);
    shop.look().await;
    shop.line.finds(LookupOutcome::Unknown("down".into()));
    shop.look().await;
    // A miss proves nothing while it may still be on its way.
    shop.line.finds(LookupOutcome::NotKnown);
    shop.look().await;
    assert_eq!(read(&shop.world, doubt.id).await.status, Status::InDoubt);
    shop.line.finds(LookupOutcome::Applied);
    shop.look().await;
    assert_eq!(read(&shop.world, doubt.id).await.status, Status::Completed);
    assert_eq!((shop.line.calls(), shop.world.stock("R").await.posted), (1, 10_000));
    shop.world.close().await;
});

on_every_store!(a_late_answer_is_evidence, async |books: Books| {
    let shop = Shop::new(books).await;
    let sold = shop.sold("a").await;
    // Silent: the request is answered with what is known, and the job begins the doubt.
    let waiting = shop.ask("r", sold.id).await.unwrap();
    assert_eq!(waiting.status, Status::Submitted);
    shop.look().await;
    assert_eq!(read(&shop.world, waiting.id).await.status, Status::Submitted, "whoever asked waits");
    shop.world.clock.advance_ms(60_000);
    shop.look().await;
    assert_eq!(read(&shop.world, waiting.id).await.status, Status::InDoubt);
    shop.line.says(ReversalOutcome::Reversed);
    shop.becomes(waiting.id, Status::Completed).await;
    assert_eq!(shop.world.stock("R").await.posted, 10_000);
    shop.world.close().await;
});

on_every_store!(a_miss_after_the_horizon_is_tried_again, async |books: Books| {
    let shop = Shop::new(books).await;
    let sold = shop.sold("a").await;
    shop.line.says(ReversalOutcome::Unknown("reset".into()));
    let doubt = shop.ask("r", sold.id).await.unwrap();
    shop.line.finds(LookupOutcome::NotKnown);
    let submit_by = doubt.reversal().unwrap().submit_by().unwrap();
    shop.world.clock.advance_ms(submit_by.unix_ms() - shop.world.clock.now_ms() + 10_001);
    shop.look().await;
    assert_eq!(read(&shop.world, doubt.id).await.status, Status::Created);
    shop.line.says(ReversalOutcome::Reversed);
    shop.look().await;
    let done = read(&shop.world, doubt.id).await;
    assert_eq!((done.status, shop.line.calls()), (Status::Completed, 2));
    assert_eq!(shop.line.asked.lock().unwrap().len(), 2, "under a reference of its own each");
    assert_eq!(shop.world.stock("R").await.posted, 10_000);
    shop.world.close().await;
});

on_every_store!(what_waits_goes_on_when_the_recharge_has_an_outcome, async |books: Books| {
    let shop = Shop::new(books).await;
    shop.line.says(ReversalOutcome::Reversed);
    let open = shop.world.recharge("R", "a", 2_000).await;
    let early = shop.ask("r", open.id).await.unwrap();
    assert_eq!(early.status, Status::Created);
    shop.look().await;
    assert_eq!((read(&shop.world, early.id).await.status, shop.line.calls()), (Status::Created, 0));
    shop.world.must(World::resolve(open.id, Evidence::Applied)).await;
    // Two nodes look at once.
    futures::future::join(shop.look(), shop.look()).await;
    let done = read(&shop.world, early.id).await;
    assert_eq!((done.status, shop.line.calls()), (Status::Completed, 1));
    assert_eq!(shop.ask("r", open.id).await.unwrap(), done, "repeated until it is acknowledged");
    shop.world.close().await;
});

on_every_store!(one_that_is_not_answered_holds_up_no_other, async |books: Books| {
    let shop = Shop::new(books).await;
    let sold = shop.sold("a").await;
    shop.line.says(ReversalOutcome::Unknown("reset".into()));
    let doubt = shop.ask("ra", sold.id).await.unwrap();
    shop.line.answer.send_replace(None);
    let open = shop.world.recharge("R", "b", 2_000).await;
    let silent = shop.ask("rb", open.id).await.unwrap();
    shop.world.must(World::resolve(open.id, Evidence::Applied)).await;
    shop.line.finds(LookupOutcome::Applied);
    timeout(Duration::from_mins(1), shop.look()).await.expect("a look ends");
    assert_eq!(read(&shop.world, doubt.id).await.status, Status::Completed);
    assert_eq!(read(&shop.world, silent.id).await.status, Status::Submitted);
    shop.line.says(ReversalOutcome::Reversed);
    shop.becomes(silent.id, Status::Completed).await;
    shop.world.close().await;
});

on_every_store!(sixty_four_requests_ask_once, async |books: Books| {
    let shop = Shop::new(books).await;
    let sold = shop.sold("a").await;
    shop.line.says(ReversalOutcome::Reversed);
    // Half of them under one key.
    let keys = (0..64).map(|n| if n % 2 == 0 { "same".to_owned() } else { format!("r{n}") });
    let all: Vec<_> = keys.collect();
    let done = futures::future::join_all(all.iter().map(|key| shop.ask(key, sold.id))).await;
    let completed: Vec<_> = done.iter().flatten().filter(|it| it.status == Status::Completed).map(|it| it.id).collect();
    assert!(done.iter().all(Result::is_ok) && !completed.is_empty());
    assert!(completed.iter().all(|id| *id == completed[0]), "one and its replays");
    assert_eq!((shop.line.calls(), shop.world.stock("R").await.posted), (1, 10_000));
    shop.world.close().await;
});
