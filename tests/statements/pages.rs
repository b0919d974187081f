//! Pages, and what goes on while they are turned.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use taabia::domain::{Shard, Timestamp};
use taabia::ports::Clock;
use taabia::services::ServiceError;
use taabia::services::statements::{Counterparty, Period};

use super::{ALWAYS, all_pages, caller, sell, service};
use crate::support::on_every_store;
use crate::support::world::{Books, World};

on_every_store!(recharges_go_on_while_the_pages_are_turned, async |books: Books| {
    let world = Arc::new(World::new(books).await);
    world.reseller("R1", 1_000_000).await;
    for number in 0..30 {
        sell(&world, "R1", &format!("before-{number}"), 500).await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let sold = Arc::new(AtomicU32::new(0));
    let busy = tokio::spawn({
        let (world, stop, sold) = (world.clone(), stop.clone(), sold.clone());
        async move {
            while !stop.load(Ordering::SeqCst) {
                let number = sold.load(Ordering::SeqCst);
                sell(&world, "R1", &format!("meanwhile-{number}"), 500).await;
                world.books.movements.write_out(world.shard("R1"), 7).await.unwrap();
                sold.store(number + 1, Ordering::SeqCst);
            }
        }
    });
    let statements = service(&world);
    let (caller, reseller) = (caller(&world, &["R1"]), world.id("R1"));
    for limit in [3, 7, 50] {
        let before = sold.load(Ordering::SeqCst);
        let first = statements.page(&caller, reseller, ALWAYS, None, limit).await.unwrap();
        let mut balance = first.summary.closing_minor;
        let mut page = first.clone();
        loop {
            let (a, b) = (first.summary, page.summary);
            assert_eq!(
                (a.opening_minor, a.in_minor, a.out_minor, a.closing_minor),
                (b.opening_minor, b.in_minor, b.out_minor, b.closing_minor)
            );
            for line in &page.lines {
                assert_eq!(line.balance_minor, balance);
                balance -= line.in_minor.unwrap_or(0) - line.out_minor.unwrap_or(0);
            }
            let Some(next) = page.next else { break };
            while sold.load(Ordering::SeqCst) == before && !busy.is_finished() {
                tokio::task::yield_now().await;
            }
            page = statements.page(&caller, reseller, ALWAYS, Some(next), limit).await.unwrap();
        }
        assert_eq!(balance, 0);

        // An export reads the other way.
        let open = statements.begin(&caller, reseller, ALWAYS).await.unwrap();
        let (mut balance, mut last) = (open.summary.opening_minor, None);
        loop {
            let lines = statements.lines_after(&open, last, limit).await.unwrap();
            let Some(end) = lines.last() else { break };
            last = Some(end.movement.place);
            for line in &lines {
                balance += line.in_minor.unwrap_or(0) - line.out_minor.unwrap_or(0);
                assert_eq!(line.balance_minor, balance);
            }
        }
        assert_eq!(balance, open.summary.closing_minor);
    }
    stop.store(true, Ordering::SeqCst);
    busy.await.unwrap();
    let Ok(world) = Arc::try_unwrap(world) else { panic!("the task is over") };
    world.close().await;
});

on_every_store!(a_statement_is_for_those_above, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 1_000).await;
    world.reseller("R2", 1_000).await;
    let statements = service(&world);
    let page = statements.page(&caller(&world, &["R2"]), world.id("R1"), ALWAYS, None, 10).await;
    assert_eq!(page.unwrap_err(), ServiceError::NotFound);
    let unknown = statements.page(&caller(&world, &["R1"]), world.id("nobody"), ALWAYS, None, 10).await;
    assert_eq!(unknown.unwrap_err(), ServiceError::NotFound);
    let at = statements.posted_at(&caller(&world, &["R2"]), world.id("R1"), world.clock.now()).await;
    assert_eq!(at.unwrap_err(), ServiceError::NotFound);
    world.close().await;
});

on_every_store!(who_was_on_the_other_side, async |books: Books| {
    let world = World::new(books).await;
    // In another shard than the operator, so that the allocation stands elsewhere.
    let name = world.name_in(Shard::new(1));
    world.reseller(&name, 10_000).await;
    sell(&world, &name, "k", 700).await;
    let (_, lines) = all_pages(&world, &name, ALWAYS, 10).await;
    assert!(
        matches!(lines[0].counterparty, Some(Counterparty::Subscriber(number)) if number.digits() == 212_612_345_678)
    );
    assert_eq!(lines[0].movement.operation.as_ref().unwrap().external_id.as_str(), "k");
    assert_eq!(lines[1].counterparty, Some(Counterparty::Operator));
    assert_eq!(lines[1].movement.operation.as_ref().unwrap().external_id.as_str(), format!("stock-{name}"));
    world.close().await;
});

on_every_store!(empty_periods, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 1_000).await;
    let now = world.clock.now();
    for (from, to, balance) in [
        (Some(now.plus_ms(1)), None, 1_000),
        (None, Some(now), 0),
        (Some(now.plus_ms(5)), Some(now.plus_ms(5)), 1_000),
        (Some(Timestamp::EPOCH), Some(Timestamp::EPOCH), 0),
    ] {
        let (page, lines) = all_pages(&world, "R1", Period::Between { from, to }, 10).await;
        assert_eq!((page.summary.opening_minor, page.summary.closing_minor, lines.len()), (balance, balance, 0));
    }
    let (page, lines) = all_pages(&world, "R1", Period::Day("2027-01-01".parse().unwrap()), 10).await;
    assert_eq!((page.summary.opening_minor, page.summary.closing_minor, lines.len()), (1_000, 1_000, 0));
    world.close().await;
});
