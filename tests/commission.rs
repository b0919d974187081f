//! What recharges earn, on every store: agreed at the reservation, posted with the completion, paid out once.

use std::sync::Arc;

use futures::future::join_all;
use taabia::domain::catalogue::{Import, PayIn, Period, Rule, RuleKind};
use taabia::domain::{Account, AccountClass, Decline, Operation, OperationId, Shard, Standing, Status};
use taabia::engine::EngineConfig;
use taabia::jobs::payout::Paid;
use taabia::jobs::{PayoutConfig, PayoutJob};
use taabia::ledger::command::{ChangePlace, OpenReseller, PayCommission};
use taabia::ledger::{Evidence, Outcome, Registration, Request};
use taabia::ports::{Clock as _, Ledger as _};
use taabia::reports::verify::{Options, verify};

use crate::catalogue::{import, product};
use crate::support::world::{Books, RELEASE, World, command, external_id};
use crate::support::{SeededRandomness, on_every_store};

pub fn rule(code: &str, kind: RuleKind, level: &str, rate: &str, pay_in: Option<PayIn>) -> Rule {
    Rule {
        code: code.parse().unwrap(),
        kind,
        level: Some(level.into()),
        product: None,
        channel: None,
        amounts: None,
        rate: rate.parse().unwrap(),
        pay_in,
        period: Period::ALWAYS,
    }
}

fn rules(outlet: &str) -> Request {
    import(Import {
        products: vec![product("airtime", &[(500, 50_000)], taabia::domain::Timestamp::EPOCH)],
        rules: vec![
            rule("outlet", RuleKind::Commission, "outlet", outlet, Some(PayIn::Stock)),
            rule("wholesaler", RuleKind::Override, "wholesaler", "0.5", Some(PayIn::Money)),
            rule("distributor", RuleKind::Override, "distributor", "0.25", Some(PayIn::Money)),
        ],
        reversals: Vec::new(),
        withdrawn_rules: Vec::new(),
    })
}

/// A distributor `D`, a wholesaler `W` below it, and an outlet `O` below that with stock, each in another shard.
async fn network(world: &World) {
    let names = [("D", "distributor", None), ("W", "wholesaler", Some("D")), ("O", "outlet", Some("W"))];
    for (name, level, parent) in names {
        let registration = Registration {
            id: world.id(name),
            code: name.into(),
            name: name.into(),
            level: level.parse().unwrap(),
            parent: parent.map(|parent| world.id(parent)),
            created_at: world.clock.now(),
        };
        let limits = taabia::domain::Limits::default();
        world.must(Request::OpenReseller(OpenReseller { registration, limits, credit_limit_minor: 0 })).await;
    }
    world.must(world.allocate("stock", "O", 10_000_000)).await;
    world.must(rules("3")).await;
    world.clock.advance_ms(1);
}

async fn sell(world: &World, key: &str, amount_minor: i64) -> Operation {
    let reserved = world.recharge("O", key, amount_minor).await;
    let done = world.must(World::resolve(reserved.id, Evidence::Applied)).await;
    Operation::clone(done.operation().unwrap())
}

/// Everything that waits for a payout in the shard of the outlet: who, in what, how much.
async fn accrued(world: &World) -> Vec<Account> {
    let first = taabia::domain::AccountNumber(0);
    world.books.store.accrued(world.shard("O"), first, 100).await.unwrap()
}

fn amounts(world: &World, accounts: &[Account]) -> Vec<(&'static str, AccountClass, i64)> {
    let name =
        |account: &Account| ["O", "W", "D"].into_iter().find(|name| account.owner == Some(world.id(name))).unwrap();
    let mut told: Vec<_> = accounts.iter().map(|account| (name(account), account.class, account.posted)).collect();
    told.sort_unstable();
    told
}

fn payout(world: &World, key: &str, account: &Account) -> Request {
    let pay_in = if account.class == AccountClass::CommissionAccrued { PayIn::Money } else { PayIn::Stock };
    Request::PayCommission(PayCommission {
        operation: world.draw(world.shard("O")),
        external_id: external_id(&format!("{key}-{}", account.number.0)),
        to: account.owner.unwrap(),
        pay_in,
    })
}

async fn totals(world: &World) -> impl Fn(AccountClass) -> i128 + use<> {
    let report = verify(&*world.books.audit, &Options::default(), &mut |_| {}).await.unwrap();
    move |class| report.total(class)
}

on_every_store!(everyone_earns_by_the_rules_of_the_reservation, async |books: Books| {
    use AccountClass::{CommissionAccrued as Money, CommissionStockAccrued as Stock};
    let world = World::new(books).await;
    network(&world).await;
    let sold = sell(&world, "a", 1_000).await;
    // 30 in stock; 5 and 2.5 in money, of a whole of 7.5 that rounds to 8.
    assert_eq!(amounts(&world, &accrued(&world).await), [("D", Money, 2), ("O", Stock, 30), ("W", Money, 5)]);
    assert_eq!(sold.recharge().unwrap().terms.of_seller().unwrap().amount_minor, 30);
    let total = totals(&world).await;
    assert_eq!(total(AccountClass::CommissionExpense), 8);
    assert_eq!((total(AccountClass::MoneyRounding), total(AccountClass::CommissionGranted)), (1, 30));

    // Reserved under one rule and completed under another: by the one it was reserved under.
    let reserved = world.recharge("O", "b", 1_000).await;
    world.must(rules("10")).await;
    world.clock.advance_ms(1);
    world.must(World::resolve(reserved.id, Evidence::Applied)).await;
    assert_eq!(amounts(&world, &accrued(&world).await)[1], ("O", Stock, 60));
    sell(&world, "c", 1_000).await;
    assert_eq!(amounts(&world, &accrued(&world).await)[1], ("O", Stock, 160));

    // What did not take effect earns nothing, and a late answer earns it once.
    let released = world.recharge("O", "d", 1_000).await;
    world.must(World::resolve(released.id, RELEASE)).await;
    let late = world.recharge("O", "e", 1_000).await;
    for evidence in [Evidence::NoAnswer, Evidence::Applied, Evidence::Applied] {
        world.must(World::resolve(late.id, evidence)).await;
    }
    assert_eq!(amounts(&world, &accrued(&world).await), [("D", Money, 8), ("O", Stock, 260), ("W", Money, 20)]);
    let stored = world.books.store.operation(late.id).await.unwrap().unwrap();
    assert_eq!(stored.recharge().unwrap().terms, late.recharge().unwrap().terms);
    world.close().await;
});

on_every_store!(a_settlement_after_a_restart_posts_what_was_agreed, async |books: Books| {
    let world = World::new(books.clone()).await.node(&EngineConfig { cached_rows: 0, ..EngineConfig::default() });
    network(&world).await;
    let reserved = world.recharge("O", "a", 1_000).await;
    // The other node has nothing of it in memory, and forgets all of it between two commands.
    for evidence in [Evidence::NoAnswer, Evidence::Applied] {
        world.nodes[1].execute(command(World::resolve(reserved.id, evidence))).await.unwrap();
    }
    assert_eq!(accrued(&world).await.len(), 3);
    let sold: Vec<Request> = (0..20).map(|n| Request::Reserve(world.reserve("O", &format!("n{n}"), 1_000))).collect();
    let sold = join_all(sold.into_iter().enumerate().map(|(n, request)| world.nodes[n % 2].execute(command(request))));
    let ids: Vec<OperationId> = sold.await.into_iter().map(|done| done.unwrap().operation().unwrap().id).collect();
    let settled = ids.iter().enumerate().map(|(n, id)| {
        let request = command(World::resolve(*id, Evidence::Applied));
        world.nodes[(n + 1) % 2].execute(request)
    });
    join_all(settled).await.into_iter().for_each(|done| drop(done.unwrap()));
    assert_eq!(amounts(&world, &accrued(&world).await)[1].2, 21 * 30);
    assert_eq!(accrued(&world).await.len(), 3, "nobody has two accounts of a class");
    world.close().await;
});

on_every_store!(what_has_accrued_is_paid_out_once, async |books: Books| {
    let world = World::new(books).await.node(&EngineConfig::default());
    network(&world).await;
    for key in ["a", "b", "c"] {
        sell(&world, key, 1_000).await;
    }
    let due = accrued(&world).await;
    assert_eq!(due.len(), 3);
    let stock = world.stock("O").await.posted;
    // Two nodes at once, and each twice: the same key pays once.
    let commands: Vec<Request> =
        due.iter().flat_map(|account| (0..4).map(|_| payout(&world, "day", account))).collect();
    let done = join_all(commands.into_iter().enumerate().map(|(n, c)| world.nodes[n % 2].execute(command(c)))).await;
    let decided = done.iter().filter(|done| matches!(done, Ok(Outcome::Decided(_)))).count();
    assert_eq!((decided, done.iter().filter(|done| done.is_ok()).count()), (3, 12));
    assert!(accrued(&world).await.is_empty());
    assert_eq!(world.stock("O").await.posted, stock + 90);
    let total = totals(&world).await;
    assert_eq!(total(AccountClass::CommissionPayable), 15 + 6);
    assert_eq!((total(AccountClass::CommissionGranted), total(AccountClass::CommissionAccrued)), (0, 0));
    assert_eq!(total(AccountClass::OperatorStock), 1_000_000_000_000 - 10_000_000 - 90);
    // Another day finds nothing due.
    let nothing = world.must(payout(&world, "next", &due[0])).await.operation().unwrap().clone();
    assert_eq!((nothing.status, nothing.amount_minor), (Status::Completed, 0));
    world.close().await;
});

on_every_store!(who_may_not_trade_is_not_paid, async |books: Books| {
    let world = World::new(books).await;
    network(&world).await;
    sell(&world, "a", 1_000).await;
    let due = accrued(&world).await;
    let wholesaler = due.iter().find(|account| account.owner == Some(world.id("W"))).unwrap();
    world.must(world.standing("W", Standing::Suspended)).await;
    let refused = world.must(payout(&world, "day", wholesaler)).await.operation().unwrap().clone();
    assert_eq!((refused.status, refused.decline), (Status::Declined, Some(Decline::ResellerSuspended)));
    assert_eq!(accrued(&world).await.len(), 3);
    world.must(world.standing("W", Standing::Active)).await;
    world.must(payout(&world, "next", wholesaler)).await;
    assert_eq!(accrued(&world).await.len(), 2);
    world.close().await;
});

on_every_store!(stock_comes_out_of_the_operators, async |books: Books| {
    let world = World::new(books).await;
    network(&world).await;
    sell(&world, "a", 1_000).await;
    let free = world.books.store.account(Shard::OPERATOR, AccountClass::OperatorStock.system_account()).await;
    world.must(world.allocate("all", "D", free.unwrap().unwrap().posted)).await;
    let due = accrued(&world).await;
    let outlet = due.iter().find(|account| account.owner == Some(world.id("O"))).unwrap();
    let refused = world.must(payout(&world, "day", outlet)).await.operation().unwrap().clone();
    assert_eq!(refused.decline, Some(Decline::InsufficientStock));
    world.issue("more", 1_000).await;
    world.must(payout(&world, "next", outlet)).await;
    assert_eq!(accrued(&world).await.len(), 2);
    world.close().await;
});

on_every_store!(the_job_pays_each_account_once_a_period, async |books: Books| {
    let world = World::new(books).await;
    network(&world).await;
    let job = |seed| PayoutJob {
        ledger: world.nodes[0].clone(),
        reads: world.books.store.clone(),
        clock: world.clock.clone(),
        randomness: Arc::new(SeededRandomness::new(seed)),
        config: PayoutConfig { every_s: 86_400, shards: world.books.store.shards(), concurrency: 4 },
    };
    sell(&world, "a", 1_000).await;
    // Two nodes sweep at once.
    let (one, other) = (job(29), job(31));
    let (one, other) = tokio::join!(one.sweep(1), other.sweep(1));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.paid + other.paid, 3, "{one:?} {other:?}");
    assert!(accrued(&world).await.is_empty());
    sell(&world, "b", 1_000).await;
    assert_eq!(job(37).sweep(1).await.unwrap(), Paid { paid: 0, left: 3 });
    assert_eq!(job(41).sweep(2).await.unwrap(), Paid { paid: 3, left: 0 });
    assert_eq!(totals(&world).await(AccountClass::CommissionPayable), 2 * 7);
    world.close().await;
});

on_every_store!(an_import_beside_sales_changes_none_that_was_reserved, async |books: Books| {
    let world = World::new(books).await.node(&EngineConfig::default());
    network(&world).await;
    let sales: Vec<_> =
        (0..60).map(|n| command(Request::Reserve(world.reserve("O", &format!("n{n}"), 1_000)))).collect();
    let sold = join_all(sales.into_iter().enumerate().map(|(n, sale)| {
        let node = world.nodes[n % 2].clone();
        async move { node.execute(sale).await.unwrap().operation().unwrap().clone() }
    }));
    let imported = async {
        for rate in ["4", "5", "6"] {
            world.clock.advance_ms(1);
            world.must(rules(rate)).await;
        }
    };
    let (sold, ()) = tokio::join!(sold, imported);
    let mut earned = 0;
    for operation in &sold {
        let terms = operation.recharge().unwrap().terms.clone();
        let amount_minor = terms.of_seller().unwrap().amount_minor;
        // Version 1 gives 3 %, the next 4 %, and so on; one begins a moment after it is recorded, and until then the
        // one before it holds.
        let (now, before) = (10 * (terms.catalogue + 2), 10 * (terms.catalogue + 1));
        assert!([now, before].contains(&amount_minor), "{terms}");
        earned += amount_minor;
        world.must(World::resolve(operation.id, Evidence::Applied)).await;
    }
    assert_eq!(amounts(&world, &accrued(&world).await)[1].2, earned);
    world.close().await;
});

on_every_store!(who_stands_above_after_a_move_earns_from_then_on, async |books: Books| {
    let world = World::new(books).await.node(&EngineConfig::default());
    network(&world).await;
    let place = Registration {
        id: world.id("V"),
        code: "V".into(),
        name: "V".into(),
        level: "wholesaler".parse().unwrap(),
        parent: Some(world.id("D")),
        created_at: world.clock.now(),
    };
    let limits = taabia::domain::Limits::default();
    world.must(Request::OpenReseller(OpenReseller { registration: place, limits, credit_limit_minor: 0 })).await;
    sell(&world, "a", 1_000).await;
    // The wholesaler above it leaves the distributor, by the other node; then the outlet goes to another wholesaler.
    let change = |reseller: &str, parent: Option<&str>| {
        Request::ChangePlace(ChangePlace {
            reseller: world.id(reseller),
            code: None,
            name: None,
            level: None,
            parent: Some(parent.map(|parent| world.id(parent))),
            if_version: None,
        })
    };
    world.nodes[1].execute(command(change("W", None))).await.unwrap();
    sell(&world, "b", 1_000).await;
    let money = async |name: &str| {
        let owner = world.id(name);
        let of = |account: &&Account| account.owner == Some(owner);
        accrued(&world).await.iter().find(of).map_or(0, |account| account.posted)
    };
    assert_eq!((money("W").await, money("D").await), (10, 2), "the distributor stands above the first one only");
    world.must(change("O", Some("V"))).await;
    sell(&world, "c", 1_000).await;
    assert_eq!((money("W").await, money("V").await, money("D").await), (10, 5, 4));
    world.close().await;
});
