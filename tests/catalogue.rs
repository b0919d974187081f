//! The catalogue on every store: what a recharge may name, from when on, and that every shard has one and the same.

use taabia::domain::catalogue::{Catalogue, Import, Offer, Period, Product, ProductKind};
use taabia::domain::{Decline, RecordKey, RecordKind, Shard, Status, Timestamp};
use taabia::engine::EngineConfig;
use taabia::ledger::command::ImportCatalogue;
use taabia::ledger::{Outcome, Refusal, Request};
use taabia::ports::{Clock as _, Ledger as _, LedgerError};

use crate::support::on_every_store;
use crate::support::world::{Books, World, command};

pub fn product(code: &str, amounts: &[(i64, i64)], from: Timestamp) -> Product {
    let offer = |&(min_minor, max_minor): &(i64, i64)| Offer {
        name: format!("{code} {min_minor}").into(),
        min_minor,
        max_minor,
        benefits: Vec::new(),
        validity_hours: None,
        period: Period { from, until: None },
    };
    Product {
        code: code.parse().unwrap(),
        name: code.into(),
        kind: ProductKind::Denomination,
        offers: amounts.iter().map(offer).collect(),
    }
}

pub fn import(import: Import) -> Request {
    Request::ImportCatalogue(ImportCatalogue { import })
}

fn products(products: Vec<Product>) -> Request {
    import(Import { products, ..Import::default() })
}

async fn sell(world: &World, key: &str, product: &str, amount_minor: i64) -> (Status, Option<Decline>, i64) {
    let reserve =
        taabia::ledger::command::Reserve { product: product.into(), ..world.reserve("R1", key, amount_minor) };
    let operation = world.must(Request::Reserve(reserve)).await.operation().unwrap().clone();
    (operation.status, operation.decline, operation.recharge().unwrap().terms.catalogue)
}

on_every_store!(only_what_the_catalogue_offers_is_sold, async |books: Books| {
    let world = World::new(books).await.node(&EngineConfig::default());
    world.reseller("R1", 1_000_000).await;
    let declined = |decline, version| (Status::Declined, Some(decline), version);
    let sold = |version| (Status::Submitted, None, version);
    assert_eq!(sell(&world, "a", "airtime", 2_100).await, sold(0), "a fresh installation sells airtime");
    assert_eq!(sell(&world, "b", "airtime", 50_001).await, declined(Decline::AmountOutOfRange, 0));
    assert_eq!(sell(&world, "c", "*3", 2_000).await, declined(Decline::ProductUnknown, 0));

    let tomorrow = world.clock.now().plus_ms(86_400_000);
    let first =
        vec![product("*3", &[(2_000, 2_000), (5_000, 5_000)], Timestamp::EPOCH), product("p", &[(900, 900)], tomorrow)];
    world.must(products(first.clone())).await;
    world.clock.advance_ms(1);
    assert_eq!(sell(&world, "d", "*3", 2_000).await, sold(1));
    assert_eq!(sell(&world, "e", "*3", 2_001).await, declined(Decline::AmountOutOfRange, 1));
    assert_eq!(sell(&world, "f", "airtime", 2_000).await, declined(Decline::ProductUnknown, 1));
    assert_eq!(sell(&world, "g", "p", 900).await, declined(Decline::ProductUnknown, 1), "it begins tomorrow");
    world.clock.advance_ms(86_400_000);
    assert_eq!(sell(&world, "h", "p", 900).await, sold(1));

    let again = world.must(products(first)).await;
    assert!(matches!(again, Outcome::Put(record) if record.version() == 1), "the same file again changes nothing");
    // Another node changes it: the first one's memory does not sell by the old one.
    world.nodes[1].execute(command(products(vec![product("*3", &[], Timestamp::EPOCH)]))).await.unwrap();
    world.clock.advance_ms(1);
    assert_eq!(sell(&world, "i", "*3", 2_000).await, declined(Decline::ProductUnknown, 2));
    assert_eq!(sell(&world, "i", "*3", 2_000).await.1, Some(Decline::ProductUnknown), "a refusal is final for its key");

    let key = RecordKey::of_operator(RecordKind::Catalogue, Catalogue::ID.parse().unwrap());
    let operators = world.books.store.record(Shard::OPERATOR, &key).await.unwrap().unwrap();
    for shard in Shard::all(world.books.store.shards()) {
        assert_eq!(world.books.store.record(shard, &key).await.unwrap().as_ref(), Some(&operators), "shard {shard}");
    }
    world.close().await;
});

on_every_store!(an_import_that_does_not_fit_changes_nothing, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 1_000_000).await;
    let ambiguous = products(vec![product("p", &[(500, 900), (600, 1_000)], Timestamp::EPOCH)]);
    let refused = world.execute(ambiguous).await;
    assert_eq!(refused, Err(LedgerError::Refused(Refusal::UnfitCatalogue)));
    assert_eq!(sell(&world, "a", "airtime", 2_000).await, (Status::Submitted, None, 0));
    world.close().await;
});
