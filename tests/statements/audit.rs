//! What was written out of the journal is verified with it, written again where it is wrong, and written once.

use taabia::domain::Shard;
use taabia::jobs::{StatementConfig, StatementJob};
use taabia::reports::verify::{Options, verify};

use super::{ALWAYS, all_pages, sell};
use crate::support::database::{Database, on_both};
use crate::support::world::World;
use crate::support::{books_of, must_verify};

async fn sold(db: &Database) -> World {
    let world = World::new(books_of(db)).await;
    world.reseller("R1", 100_000).await;
    world.reseller("R2", 100_000).await;
    for number in 0..12 {
        sell(&world, if number % 3 == 0 { "R2" } else { "R1" }, &format!("k{number}"), 500).await;
    }
    sweep(&world).await;
    world
}

async fn sweep(world: &World) {
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let config = StatementConfig { batch: 5, ..StatementConfig::default() };
    let (movements, shards) = (world.books.movements.clone(), world.books.store.shards());
    StatementJob { movements, shards, config }.sweep(&stopped).await.unwrap();
}

async fn finding(world: &World) -> String {
    let outcome = verify(&*world.books.audit, &Options::default(), &mut |_| {}).await;
    outcome.expect_err("tampered movements are not right").to_string()
}

on_both! {
    async fn whatever_is_tampered_with_is_found_and_written_again(db: &Database) {
        let world = sold(db).await;
        must_verify(&*world.books.audit).await;
        for (statement, expected) in [
            ("UPDATE account_movement SET credited_minor = credited_minor + 1 WHERE sequence = (SELECT max(sequence) FROM account_movement)", "it carries"),
            ("UPDATE account_movement SET sold_minor = 7 WHERE line = 1 AND sold_minor > 500", "it carries"),
            ("DELETE FROM account_movement WHERE sold_minor = 1000", "it carries"),
            ("DELETE FROM account_movement WHERE sequence = (SELECT max(sequence) FROM account_movement)", "are written out, the journal has"),
            ("DELETE FROM account_movement", "0 of its movements are written out, the journal has"),
            ("UPDATE account_movement SET line = 2 WHERE sold_minor = 500", "the journal has no such posting"),
            ("INSERT INTO account_movement (shard, account, sequence, line, credited_minor, sold_minor) SELECT shard, 999, sequence, line, 0, 0 FROM account_movement WHERE sold_minor = 500", "the journal has no such posting"),
        ] {
            assert!(db.by_hand(statement).await.unwrap() > 0, "{statement}");
            let found = finding(&world).await;
            assert!(found.contains(expected), "{statement}: {found}");
            for shard in Shard::all(world.books.store.shards()) {
                world.books.movements.write_again(shard).await.unwrap();
            }
            must_verify(&*world.books.audit).await;
        }
        db.by_hand("UPDATE log_cursor SET sequence = sequence + 1000").await.unwrap();
        assert!(finding(&world).await.contains("above the head of the shard"));
        db.by_hand("UPDATE log_cursor SET sequence = sequence - 1000").await.unwrap();
        world.close().await;
    }

    async fn several_at_once_write_everything_once(db: &Database) {
        let world = sold(db).await;
        for number in 0..20 {
            sell(&world, "R1", &format!("later-{number}"), 500).await;
        }
        futures::future::join_all((0..4).map(|_| sweep(&world))).await;
        sweep(&world).await;
        let place = world.books.movements.log_place(world.shard("R1")).await.unwrap();
        assert_eq!(place.head, place.written);
        let (page, lines) = all_pages(&world, "R1", ALWAYS, 10).await;
        assert_eq!((lines.len(), page.summary.closing_minor), (29, 100_000 - 28 * 500));
        world.close().await;
    }
}
