//! Records on every store: versions, copies in every shard, and who may change what at once.

use futures::future::join_all;
use taabia::domain::{Record, Shard};
use taabia::engine::EngineConfig;
use taabia::ledger::{Outcome, Refusal};
use taabia::ports::{Ledger, LedgerError, RecordQuery};

use crate::support::on_every_store;
use crate::support::world::{Books, Done, World, command, record};

fn version(done: &Done) -> Result<i64, Refusal> {
    match done {
        Ok(Outcome::Put(record)) => Ok(record.version()),
        Err(LedgerError::Refused(refusal)) => Err(*refusal),
        other => panic!("{other:?}"),
    }
}

async fn stored(world: &World, shard: Shard, owner: Option<&str>) -> Option<Record> {
    let (key, _) = record(owner.map(|name| world.id(name)), 0);
    world.books.store.record(shard, &key).await.unwrap()
}

on_every_store!(a_change_names_the_version_it_replaces, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 0).await;
    for owner in [None, Some("R1")] {
        let put = async |number, expected| version(&world.execute(world.put(owner, number, expected)).await);
        assert_eq!(put(1, Some(1)).await, Err(Refusal::StaleVersion { current: 0 }), "{owner:?}");
        assert_eq!(put(1, Some(0)).await, Ok(1));
        assert_eq!(put(2, Some(0)).await, Err(Refusal::StaleVersion { current: 1 }));
        assert_eq!(put(1, Some(1)).await, Ok(1), "it stands like that already");
        assert_eq!(put(2, Some(1)).await, Ok(2));
        assert_eq!(put(3, None).await, Ok(3));
    }
    assert_eq!(version(&world.execute(world.put(Some("R2"), 1, None)).await), Err(Refusal::UnknownReseller));
    world.close().await;
});

on_every_store!(what_concerns_all_stands_in_every_shard, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 0).await;
    world.must(world.put(None, 1, None)).await;
    world.must(world.put(None, 2, None)).await;
    world.must(world.put(Some("R1"), 7, None)).await;
    let (_, policy) = record(None, 2);
    let (_, user) = record(Some(world.id("R1")), 7);
    for shard in Shard::all(world.books.store.shards()) {
        let found = stored(&world, shard, None).await.unwrap();
        assert_eq!((found.version(), found.content()), (2, &policy), "shard {shard}");
        let found = stored(&world, shard, Some("R1")).await;
        assert_eq!(found.as_ref().map(Record::content), Some(&user).filter(|_| shard == world.shard("R1")));
    }
    world.close().await;
});

on_every_store!(of_64_changes_at_once_one_replaces_a_version, async |books: Books| {
    let mut world = World::new(books).await;
    // SQLite has one writer.
    if world.books.store.max_posters() > 1 {
        world = world.node(&EngineConfig::default());
    }
    world.reseller("R1", 0).await;
    for owner in [None, Some("R1")] {
        for round in 0..3 {
            // From two nodes, each of which remembers what it wrote last.
            let puts = join_all((0..64_u32).map(|n| {
                let request = world.put(owner, 100 * u32::try_from(round).unwrap() + n, Some(round));
                world.nodes[n as usize % world.nodes.len()].execute(command(request))
            }))
            .await;
            let (won, lost): (Vec<_>, Vec<_>) = puts.iter().map(version).partition(Result::is_ok);
            assert_eq!(won, [Ok(round + 1)], "{owner:?}");
            assert!(lost.iter().all(|lost| *lost == Err(Refusal::StaleVersion { current: round + 1 })));
        }
    }
    world.close().await;
});

on_every_store!(changes_of_all_shards_and_of_one_wait_for_each_other, async |books: Books| {
    let world = World::with(books, EngineConfig { posters: 3, ..EngineConfig::default() }).await;
    let shards = world.books.store.shards();
    let names: Vec<String> = Shard::all(shards).map(|shard| world.name_in(shard)).collect();
    for name in &names {
        world.reseller(name, 1_000_000).await;
    }
    let work = (0..120_u32).map(|n| {
        let name = &names[n as usize % names.len()];
        let request = match n % 4 {
            0 => world.put(None, n, None),
            1 => world.put(Some(name.as_str()), n, None),
            2 => world.allocate(&format!("a{n}"), name, 100),
            _ => taabia::ledger::Request::Reserve(world.reserve(name, &format!("k{n}"), 500)),
        };
        world.execute(request)
    });
    for done in join_all(work).await {
        done.unwrap();
    }
    let found = stored(&world, Shard::OPERATOR, None).await.unwrap();
    assert_eq!(found.version(), 30);
    world.close().await;
});

on_every_store!(records_are_listed_by_owner_and_id, async |books: Books| {
    let world = World::new(books).await;
    let mut owners = Vec::new();
    let shard = world.shard("R0");
    for name in (0..60).map(|n| format!("R{n}")).filter(|name| world.shard(name) == shard).take(3) {
        world.reseller(&name, 0).await;
        world.must(world.put(Some(&name), 1, None)).await;
        owners.push(world.id(&name));
    }
    owners.sort_unstable();
    let kind = taabia::domain::RecordKind::User;
    let query = |owner, after, limit| RecordQuery { shard, kind, owner, after, limit };
    let list = async |query: RecordQuery| -> Vec<_> {
        let found = world.books.store.records(&query).await.unwrap();
        found.iter().map(|record| record.key().owner()).collect()
    };
    assert_eq!(list(query(None, None, 10)).await, owners);
    assert_eq!(list(query(None, None, 2)).await, owners[..2]);
    let id = || "default".parse().unwrap();
    assert_eq!(list(query(None, Some((owners[0], id())), 10)).await, owners[1..]);
    assert_eq!(list(query(Some(owners[1]), None, 10)).await, [owners[1]]);
    assert_eq!(list(query(Some(owners[1]), Some((owners[0], id())), 10)).await, [owners[1]]);
    assert_eq!(list(query(Some(owners[1]), Some((owners[1], id())), 10)).await, []);
    world.close().await;
});
