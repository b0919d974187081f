//! Several charging systems side by side: the next is asked only when the one before says that the line is not its own, and
//! doubt is looked up at the one that was written down.

use std::sync::Arc;

use taabia::charging::{ChargingSystems, Dependencies};
use taabia::domain::{Decline, Msisdn, Status, SystemName};
use taabia::exchange::breaker::BreakerConfig;
use taabia::ledger::command::Evidence;
use taabia::ports::{ChargingOutcome, LookupOutcome};

use super::script::{DEADLINE_MS, HORIZON_MS, Node, PATIENT, STOCK, Scripted, Shop, node_at};
use crate::support::on_every_store;
use crate::support::world::{Books, World};

const NOT_OURS: ChargingOutcome = ChargingOutcome::Declined(Decline::SubscriberUnknown);

fn name(text: &str) -> SystemName {
    text.parse().unwrap()
}

/// `main` for any number, `north` for +212661, `south` for any.
struct Three {
    shop: Shop,
    main: Arc<Scripted>,
    north: Arc<Scripted>,
    south: Arc<Scripted>,
    systems: Arc<ChargingSystems>,
    node: Node,
}

impl Three {
    async fn new(books: Books, breaker: BreakerConfig) -> Self {
        let shop = Shop::new(books).await;
        let [main, north, south] = [(); 3].map(|()| Scripted::silent());
        let dependencies = Dependencies { clock: shop.world.clock.clone() };
        let mut systems = ChargingSystems::default();
        systems.add(SystemName::MAIN, main.clone(), vec![], breaker, &dependencies);
        systems.add(name("north"), north.clone(), vec!["+212661".parse().unwrap()], breaker, &dependencies);
        systems.add(name("south"), south.clone(), vec![], breaker, &dependencies);
        let systems = Arc::new(systems);
        let node = node_at(&shop.world.books, &shop.world.clock, systems.clone(), PATIENT);
        Self { shop, main, north, south, systems, node }
    }

    async fn sell(&self, key: &str, msisdn: u64) -> taabia::domain::Operation {
        let mut order = self.shop.order(key);
        order.msisdn = Msisdn::from_digits(msisdn).unwrap();
        let answer = self.node.recharges.create(&self.shop.caller, order).await.unwrap();
        self.shop.stored(answer.operation.id).await
    }

    fn asked(&self) -> [usize; 3] {
        [&self.main, &self.north, &self.south].map(|system| system.refills().0)
    }

    async fn close(self) {
        self.shop.close(&[self.node]).await;
    }
}

fn path(operation: &taabia::domain::Operation) -> String {
    let names: Vec<_> = operation.recharge().unwrap().asked.iter().map(|name| name.to_string()).collect();
    names.join(" ")
}

const NORTHERN: u64 = 212_661_234_567;
const OTHER: u64 = 212_612_345_678;

on_every_store!(the_number_says_who_is_asked_first, async |books: Books| {
    let three = Three::new(books, BreakerConfig::default()).await;
    for system in [&three.main, &three.north] {
        system.answers(ChargingOutcome::Approved);
    }
    let northern = three.sell("a", NORTHERN).await;
    assert_eq!((northern.status, path(&northern)), (Status::Completed, "north".into()));
    let other = three.sell("b", OTHER).await;
    assert_eq!((other.status, path(&other)), (Status::Completed, "main".into()));
    assert_eq!(three.asked(), [1, 1, 0]);
    three.close().await;
});

on_every_store!(a_ported_number_is_sent_on_until_somebody_knows_it, async |books: Books| {
    let three = Three::new(books, BreakerConfig::default()).await;
    three.north.answers(NOT_OURS);
    three.main.answers(NOT_OURS);
    three.south.answers(ChargingOutcome::Approved);
    let ported = three.sell("a", NORTHERN).await;
    assert_eq!((ported.status, path(&ported)), (Status::Completed, "north main south".into()));
    assert_eq!((three.asked(), three.shop.sold_and_held().await), ([1, 1, 1], (1_000, 0)));
    let replay = three.sell("a", NORTHERN).await;
    assert_eq!((replay.id, three.asked()), (ported.id, [1, 1, 1]), "a replay asks nobody");
    let references = [&three.main, &three.north, &three.south].map(|system| system.references());
    let distinct: std::collections::HashSet<_> = references.iter().flatten().collect();
    assert_eq!(distinct.len(), 3, "each attempt has a reference of its own");
    assert_eq!(references[2], [ported.recharge().unwrap().charging_reference.unwrap()]);

    three.south.answers(NOT_OURS);
    let nobodys = three.sell("b", OTHER).await;
    assert_eq!((nobodys.status, nobodys.decline), (Status::Declined, Some(Decline::SubscriberUnknown)));
    assert_eq!(path(&nobodys), "main south north");
    assert_eq!(three.shop.sold_and_held().await, (1_000, 0));
    three.close().await;
});

on_every_store!(other_answers_ask_nobody_else, async |books: Books| {
    let three = Three::new(books, BreakerConfig::default()).await;
    three.north.answers(ChargingOutcome::Approved);
    three.south.answers(ChargingOutcome::Approved);
    for (key, outcome, status) in [
        ("a", ChargingOutcome::Unknown("a 500".into()), Status::InDoubt),
        ("b", ChargingOutcome::NotSent, Status::Declined),
        ("c", ChargingOutcome::Declined(Decline::SubscriberBarred), Status::Declined),
    ] {
        three.main.answers(outcome);
        let sold = three.sell(key, OTHER).await;
        assert_eq!((sold.status, path(&sold)), (status, "main".into()), "{key}");
    }
    assert_eq!(three.asked(), [3, 0, 0]);
    three.close().await;
});

on_every_store!(doubt_is_looked_up_where_it_was_asked_last, async |books: Books| {
    let three = Three::new(books, BreakerConfig::default()).await;
    three.main.answers(NOT_OURS);
    three.south.finds(LookupOutcome::Applied);
    let silent = three.sell("a", OTHER).await;
    assert_eq!((silent.status, path(&silent)), (Status::InDoubt, "main south".into()));
    three.shop.world.clock.advance_ms(DEADLINE_MS + 1);
    let doubt = three.shop.doubt_at(&three.node, three.systems.clone(), 10);
    let resolved = three.shop.becomes(silent.id, Status::Completed).await;
    assert_eq!(path(&resolved), "main south");
    assert_eq!((three.main.lookups(), three.north.lookups()), (0, 0));
    assert!(three.south.lookups() > 0);
    doubt.end().await;
    three.close().await;
});

on_every_store!(a_node_that_dies_before_it_asks_leaves_word_where_to_look, async |books: Books| {
    let three = Three::new(books, BreakerConfig::default()).await;
    let world = &three.shop.world;
    let reserved = world.recharge("R1", "a", 1_000).await;
    let on = |next: &str| World::resolve(reserved.id, Evidence::NotOurs { next: name(next) });
    let sent_on = world.must(on("north")).await.operation().unwrap().clone();
    assert_eq!((sent_on.status, path(&sent_on)), (Status::Submitted, "main north".into()));
    assert_ne!(sent_on.recharge().unwrap().charging_reference, reserved.recharge().unwrap().charging_reference);
    assert_eq!(three.shop.stored(reserved.id).await, *sent_on, "as it is stored");
    assert!(world.execute(on("north")).await.is_err(), "each is asked once");
    assert!(world.execute(on("main")).await.is_err());
    three.north.finds(LookupOutcome::NotKnown);
    world.clock.advance_ms(60_000 + HORIZON_MS + 1);
    let doubt = three.shop.doubt_at(&three.node, three.systems.clone(), 10);
    let released = three.shop.becomes(reserved.id, Status::Declined).await;
    assert_eq!((released.decline, path(&released)), (Some(Decline::ChargingDeclined), "main north".into()));
    assert_eq!((three.asked(), three.main.lookups()), ([0, 0, 0], 0));
    assert!(world.execute(on("south")).await.is_err(), "nobody is asked once it has an outcome");
    doubt.end().await;
    assert_eq!(three.shop.sold_and_held().await, (0, 0));
    three.close().await;
});

on_every_store!(one_that_cannot_be_asked_keeps_its_doubt, async |books: Books| {
    let three = Three::new(books, BreakerConfig::default()).await;
    three.main.finds(LookupOutcome::NotOffered);
    let silent = three.sell("a", OTHER).await;
    three.shop.world.clock.advance_ms(DEADLINE_MS + HORIZON_MS + 1);
    let doubt = three.shop.doubt_at(&three.node, three.systems.clone(), 10);
    three.main.more_lookups(3).await;
    assert_eq!(three.shop.stored(silent.id).await.status, Status::InDoubt);
    assert_eq!(three.shop.sold_and_held().await, (0, 1_000));
    doubt.end().await;
    three.close().await;
});

on_every_store!(one_that_is_ill_is_left_alone_and_the_others_are_not, async |books: Books| {
    let breaker = BreakerConfig { failures: 2, open_ms: 60_000, ..BreakerConfig::default() };
    let three = Three::new(books, breaker).await;
    three.main.answers(ChargingOutcome::Unknown("a 500".into()));
    three.north.answers(ChargingOutcome::Approved);
    for key in ["a", "b"] {
        assert_eq!(three.sell(key, OTHER).await.status, Status::InDoubt);
    }
    let left = three.sell("c", OTHER).await;
    assert_eq!((left.status, left.decline), (Status::Declined, Some(Decline::ChargingDeclined)));
    assert_eq!(three.sell("d", NORTHERN).await.status, Status::Completed);
    assert_eq!(three.asked(), [2, 1, 0]);
    assert!(three.shop.sold_and_held().await.0 < STOCK);
    three.close().await;
});
