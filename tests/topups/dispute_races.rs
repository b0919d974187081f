//! Disputes that meet others, refunds and sales; the operator's policy; and books that somebody edited.

use std::sync::Arc;

use taabia::domain::{Details, DisputeStage, Operation, OperationKind, Standing, Status};
use taabia::ledger::Request;
use taabia::ledger::command::{BookDispute, Evidence};
use taabia::ports::acquirer::Event;
use taabia::reports::verify::{Options, verify};
use taabia::simulator::MemoryStore;

use super::disputes::{BEFORE, Lost, Open, Sums, bought, sold_and_held, standing, sums, tells, told};
use super::refunds::{given, refund};
use super::{stands, till};
use crate::support::on_every_store;
use crate::support::topups::{Till, money};
use crate::support::world::{Books, RELEASE, World};

on_every_store!(two_disputes_of_one_payment_share_what_is_left, two);
async fn two(books: Books) {
    let till = till(books).await;
    let topup = bought(&till).await;
    let [first, second] = sold_and_held(&till).await;
    let id = OperationKind::Topup.render(topup.id);
    let of = |dispute: &str, minor| Event::DisputeLost { dispute: dispute.parse().unwrap(), amount: money(minor) };
    assert_eq!(till.tells(&id, "pay_1", "evt_a", of("dsp_a", 30_000)).await, "keep");
    assert_eq!(till.tells(&id, "pay_1", "evt_b", of("dsp_b", 70_000)).await, "keep");
    // Unsold 100.00 and held 200.00 for the first; held 100.00 and sold for the second.
    let opened = sums(&till).await;
    assert_eq!((opened.operator, opened.waits, opened.owed), (410_000, 30_000, 60_000));
    for recharge in [second, first] {
        till.world.must(World::resolve(recharge.id, RELEASE)).await;
    }
    till.job.look_at_all().await.unwrap();
    assert_eq!(sums(&till).await, Sums { operator: 440_000, shop: 0, sold: 60_000, owed: 60_000, ..BEFORE });
    stands(&till, Status::ChargedBack, &topup).await;
}

on_every_store!(dispute_refund_and_sales_at_once_keep_the_books, at_once);
async fn at_once(books: Books) {
    let till = Arc::new(till(books).await);
    let topup = bought(&till).await;
    let id = OperationKind::Topup.render(topup.id);
    till.bank.next_refund(given(30_000));
    let sales = (0..8).map(|n| {
        let till = till.clone();
        tokio::spawn(async move {
            let recharge = till.world.recharge("shop", &format!("s{n}"), 20_000).await;
            if recharge.status == Status::Submitted {
                let evidence = if n % 2 == 0 { Evidence::Applied } else { RELEASE };
                till.world.must(World::resolve(recharge.id, evidence)).await;
            }
        })
    });
    let sales: Vec<_> = sales.collect();
    let stages = [Lost, Open, Lost].map(|stage| {
        let (till, id) = (till.clone(), id.clone());
        tokio::spawn(async move { till.tells(&id, "pay_1", stage.name(), told(stage, 70_000)).await })
    });
    let refunds = tokio::spawn({
        let (till, topup) = (till.clone(), topup.clone());
        async move { refund(&till, &topup, "r", Some(30_000)).await.status }
    });
    for task in sales {
        task.await.unwrap();
    }
    for task in stages {
        assert_eq!(task.await.unwrap(), "keep");
    }
    assert_eq!(refunds.await.unwrap(), Status::Refunded);
    till.job.look_at_all().await.unwrap();
    let after = sums(&till).await;
    assert_eq!((after.taken, after.debt, after.set_aside, after.waits), (0, 0, 0, 0));
    assert_eq!(after.sold, after.owed, "what stays sold is owed");
    stands(&till, Status::ChargedBack, &topup).await;
}

#[tokio::test]
async fn the_operator_may_leave_resellers_active() {
    let books = crate::support::in_memory(3);
    let till = till(books.clone()).await;
    let topup = bought(&till).await;
    let rules = taabia::ledger::Rules { suspend_on_chargeback: false, ..crate::support::script::rules() };
    let lenient = taabia::engine::Engine::start(
        books.store.clone(),
        till.world.clock.clone(),
        Arc::new(rules),
        &taabia::engine::EngineConfig::default(),
    );
    let book = BookDispute {
        operation: topup.id,
        reseller: topup.reseller,
        acquirer: "bank".into(),
        dispute: "dsp_1".into(),
        amount_minor: 100_000,
        stage: Open,
    };
    taabia::ports::Ledger::execute(&*lenient, crate::support::world::command(Request::BookDispute(book)))
        .await
        .unwrap();
    assert_eq!((standing(&till).await, sums(&till).await.shop), (Standing::Active, 10_000));
    stands(&till, Status::Credited, &topup).await;
}

/// A till in memory with a dispute for which stock is held.
async fn disputed() -> (MemoryStore, Till, Operation) {
    let store = MemoryStore::new(2);
    let till = till(crate::support::in_memory_on(&store)).await;
    let topup = bought(&till).await;
    sold_and_held(&till).await;
    tells(&till, &topup, Open, 100_000).await;
    stands(&till, Status::Credited, &topup).await;
    (store, till, topup)
}

async fn is_found(till: &Till, row: &str) {
    let finding = verify(&*till.world.books.audit, &Options::default(), &mut |_| {}).await.unwrap_err().to_string();
    assert!(finding.contains(row), "{finding}");
}

#[tokio::test]
async fn verification_finds_a_dispute_that_was_edited() {
    let edits: [fn(&mut taabia::domain::Dispute); 4] = [
        |dispute| dispute.stage = DisputeStage::Won,
        |dispute| dispute.asked_minor -= 1,
        |dispute| dispute.owed_minor = 0,
        |dispute| dispute.held = taabia::domain::refund::Share::default(),
    ];
    for edit in edits {
        let (store, till, topup) = disputed().await;
        store.with_raw(|state| {
            let operation = state.books.iter_mut().find_map(|books| books.operations.get_mut(&topup.id)).unwrap();
            let Details::Topup(topup) = &mut operation.details else { panic!("it is one") };
            edit(&mut topup.disputes[0]);
        });
        is_found(&till, &OperationKind::Topup.render(topup.id)).await;
    }
}

#[tokio::test]
async fn verification_finds_a_claim_that_was_deleted() {
    let (store, till, topup) = disputed().await;
    let key = taabia::ledger::clawback::key(topup.reseller);
    store.with_raw(|state| {
        let deleted = state.books.iter_mut().find_map(|books| books.records.remove(&key));
        assert!(deleted.is_some());
    });
    is_found(&till, "record").await;
}
