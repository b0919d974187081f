//! What is earned and paid out stands on statements, in closings, and among the movements that are verified.

use taabia::domain::catalogue::{Import, PayIn, RuleKind};
use taabia::domain::records::BusinessDayClosing;
use taabia::domain::{EntryKind, OperationKind, Shard, Timestamp};
use taabia::ledger::command::PayCommission;
use taabia::ledger::{Request, closing};
use taabia::ports::Clock as _;
use taabia::services::statements::Counterparty;

use super::{ALWAYS, all_pages, calendar, sell};
use crate::catalogue::{import, product};
use crate::commission::rule;
use crate::support::on_every_store;
use crate::support::world::{Books, World, external_id};

on_every_store!(a_payout_of_commission_is_a_movement_from_the_operator, async |books: Books| {
    let world = World::new(books).await;
    let shards = world.books.store.shards();
    world.reseller("R1", 100_000).await;
    let earns = rule("seller", RuleKind::Commission, "outlet", "3", Some(PayIn::Stock));
    let offered = vec![product("airtime", &[(500, 50_000)], Timestamp::EPOCH)];
    world
        .must(import(Import {
            products: offered,
            rules: vec![earns],
            reversals: Vec::new(),
            withdrawn_rules: Vec::new(),
        }))
        .await;
    world.clock.advance_ms(1);
    let day = calendar().day_of(world.clock.now());
    for key in ["a", "b"] {
        sell(&world, "R1", key, 1_000).await;
    }
    // Some of it written out for statements, the rest read from the journal.
    world.books.movements.write_out(world.shard("R1"), 1_000).await.unwrap();
    let pay = PayCommission {
        operation: world.draw(world.shard("R1")),
        external_id: external_id("payout"),
        to: world.id("R1"),
        pay_in: PayIn::Stock,
    };
    world.must(Request::PayCommission(pay)).await;

    for written in [false, true] {
        if written {
            for shard in Shard::all(shards) {
                world.books.movements.write_out(shard, 1_000).await.unwrap();
            }
        }
        let (page, lines) = all_pages(&world, "R1", ALWAYS, 2).await;
        assert_eq!((page.summary.closing_minor, page.summary.out_minor), (100_000 - 2_000 + 60, 2_000));
        let told: Vec<_> =
            lines.iter().map(|line| (line.in_minor, line.out_minor, line.counterparty.is_some())).collect();
        assert_eq!(told[1..3], [(None, Some(1_000), true), (None, Some(1_000), true)]);
        let last = &lines[0];
        assert_eq!((last.in_minor, last.balance_minor), (Some(60), 98_060));
        assert_eq!(last.movement.kind, EntryKind::CommissionPaid);
        assert_eq!(last.movement.operation.as_ref().unwrap().kind(), OperationKind::CommissionPayout);
        assert!(matches!(last.counterparty, Some(Counterparty::Operator)));
    }

    // The day closes with the accounts of commission as they are.
    world.clock.advance_ms(24 * 3_600_000);
    world.must(Request::CloseDays(world.shard("R1"))).await;
    let record = world.books.store.record(world.shard("R1"), &closing::key(day)).await.unwrap().unwrap();
    let closed = record.body::<BusinessDayClosing>().unwrap();
    let balance = |name: &str| closed.balances.iter().find(|line| line.account == name).unwrap().posted_minor;
    assert_eq!(balance("delivered"), 2_000);
    assert_eq!(balance("commission_granted"), 0);
    world.close().await;
});
