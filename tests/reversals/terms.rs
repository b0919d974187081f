//! Until when who may take what back, and what becomes of commissions, on every store.

use taabia::domain::catalogue::{Import, PayIn, Period, ReversalRule, RuleKind};
use taabia::domain::{AccountClass, Asker, Decline, OperationId, PartnerId, Status, Timestamp};
use taabia::ledger::command::{PayCommission, ReversalEvidence, StartReversal};
use taabia::ledger::{Evidence, Request};

use super::{ask, read, start, told, total};
use crate::catalogue::{import, product};
use crate::commission::rule;
use crate::support::on_every_store;
use crate::support::world::{Books, World, external_id};

fn window(code: &str, by: Asker, within_minutes: u32, partial: bool) -> ReversalRule {
    ReversalRule { code: code.parse().unwrap(), product: None, by, within_minutes, partial, period: Period::ALWAYS }
}

async fn publish(world: &World, rate: &str, reversals: Vec<ReversalRule>) {
    world
        .must(import(Import {
            products: vec![product("airtime", &[(500, 50_000)], Timestamp::EPOCH)],
            rules: vec![rule("stock", RuleKind::Commission, "outlet", rate, Some(PayIn::Stock))],
            reversals,
            withdrawn_rules: Vec::new(),
        }))
        .await;
    world.clock.advance_ms(1);
}

async fn sold(world: &World, key: &str, amount_minor: i64) -> OperationId {
    let reserved = world.recharge("R", key, amount_minor).await;
    world.must(World::resolve(reserved.id, Evidence::Applied)).await;
    reserved.id
}

/// What waits for a payout to `R`.
async fn accrued(world: &World) -> i64 {
    let owned = world.books.audit.snapshot().await.unwrap().accounts.into_iter();
    let own = |account: &taabia::domain::Account| {
        account.owner == Some(world.id("R")) && account.class == AccountClass::CommissionStockAccrued
    };
    owned.map(|(_, account)| account).find(own).map_or(0, |account| account.posted)
}

on_every_store!(commission_goes_back_at_the_terms_of_the_sale, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R", 1_000_000).await;
    publish(&world, "2.55", Vec::new()).await;
    let recharge = sold(&world, "a", 1_000).await;
    assert_eq!(accrued(&world).await, 26, "2.55 % of 10.00, rounded half to even");
    // The rule is another one by now.
    publish(&world, "10", Vec::new()).await;
    let mut taken = Vec::new();
    for (key, part) in [("r1", 333), ("r2", 333), ("r3", 334)] {
        let asked = start(&world, "R", key, recharge, Some(part)).await;
        let done = told(&world, &asked, ReversalEvidence::Reversed).await;
        taken.push(done.reversal().unwrap().taken_back().of_seller().unwrap().amount_minor);
    }
    // Of 26: 8.658 by the first, 17.316 by both, 26 by all.
    assert_eq!(taken, [9, 8, 9]);
    assert_eq!((accrued(&world).await, read(&world, recharge).await.status), (0, Status::Reversed));
    assert_eq!(total(&world, AccountClass::CommissionGranted).await, 0);
    assert_eq!(total(&world, AccountClass::AirtimeRounding).await, 0);
    world.close().await;
});

on_every_store!(what_was_paid_out_is_taken_from_what_accrues_later, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R", 1_000_000).await;
    publish(&world, "3", Vec::new()).await;
    let recharge = sold(&world, "a", 1_000).await;
    let pay = |key: &str| {
        Request::PayCommission(PayCommission {
            operation: world.draw(world.shard("R")),
            external_id: external_id(key),
            to: world.id("R"),
            pay_in: PayIn::Stock,
        })
    };
    assert_eq!(world.must(pay("p1")).await.operation().unwrap().amount_minor, 30);
    let asked = start(&world, "R", "r", recharge, None).await;
    told(&world, &asked, ReversalEvidence::Reversed).await;
    assert_eq!(accrued(&world).await, -30);
    let nothing = world.must(pay("p2")).await.operation().unwrap().clone();
    assert_eq!((nothing.status, nothing.amount_minor), (Status::Completed, 0));
    sold(&world, "b", 3_000).await;
    assert_eq!(world.must(pay("p3")).await.operation().unwrap().amount_minor, 60, "90 less what was paid before");
    assert_eq!(accrued(&world).await, 0);
    world.close().await;
});

on_every_store!(the_window_is_that_of_the_sale_and_of_who_asks, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R", 1_000_000).await;
    publish(&world, "0", vec![window("s", Asker::Seller, 10, false), window("o", Asker::Operator, 20, true)]).await;
    let first = sold(&world, "a", 1_000).await;
    publish(&world, "0", vec![window("s", Asker::Seller, 0, false)]).await;
    let second = sold(&world, "b", 1_000).await;
    let decline = async |key: &str, change: &dyn Fn(&mut StartReversal), recharge| {
        let mut request = ask(&world, "R", key, recharge, None);
        change(&mut request);
        world.must(Request::StartReversal(request)).await.operation().unwrap().decline
    };
    let by = |partner: u128, for_operator: bool| {
        move |it: &mut StartReversal| {
            it.partner = PartnerId::from_uuid(uuid::Uuid::from_u128(partner));
            it.for_operator = for_operator;
        }
    };
    assert_eq!(decline("1", &|_| {}, second).await, Some(Decline::NotReversible));
    assert_eq!(decline("2", &by(99, false), first).await, Some(Decline::NotReversible));
    assert_eq!(decline("3", &|it| it.asked_minor = Some(500), first).await, Some(Decline::PartialNotAllowed));
    world.clock.advance_ms(600_001);
    assert_eq!(decline("4", &|_| {}, first).await, Some(Decline::ReversalWindowOver));
    assert_eq!(decline("5", &by(99, true), first).await, None, "the operator may for longer");
    world.close().await;
});
